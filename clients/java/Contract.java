package reports;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.File;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.function.UnaryOperator;
import java.util.stream.StreamSupport;

/**
 * Runs the cases of the contract with this client, and prints a line of JSON with what each came to.
 *
 * <p>{@code java reports.Contract ../contract/cases.json REAL FAKE NOWHERE}
 */
final class Contract {
    private static final ObjectMapper JSON = new ObjectMapper();

    public static void main(String[] args) throws Exception {
        var contract = JSON.readTree(new File(args[0]));
        var places = Map.of("real", args[1], "nowhere", args[3]);
        var cases = new ArrayList<Callable<Void>>();
        for (var wanted : contract.get("cases")) {
            cases.add(() -> {
                var name = wanted.get("name").asText();
                var path = URLEncoder.encode(name, StandardCharsets.UTF_8).replace("+", "%20");
                var address = places.getOrDefault(wanted.get("sidecar").asText(), args[2] + "/" + path);
                var poort = new Poort(address, Duration.ofMillis(wanted.path("deadline_ms").asInt(60_000)));
                System.out.println(JSON.writeValueAsString(Map.of("case", name, "outcome", ask(contract, wanted, poort))));
                return null;
            });
        }
        var threads = Executors.newCachedThreadPool();
        for (var run : threads.invokeAll(cases)) run.get();
        threads.shutdown();
    }

    private static Object ask(JsonNode contract, JsonNode wanted, Poort poort) {
        UnaryOperator<String> header = name -> contract.get("headers").path(name).asText(null);
        var record = contract.get("record");
        if (!wanted.has("questions")) {
            var question = contract.get("questions").get(wanted.get("question").asText());
            return told(poort.may(question, record, header));
        }
        var rows = StreamSupport.stream(wanted.get("questions").spliterator(), false)
                .map(name -> Map.entry(contract.get("questions").get(name.asText()), record)).toList();
        return poort.mayEach(rows, header).stream().map(Contract::told).toList();
    }

    private static Map<String, Object> told(Poort.Answer<JsonNode> answer) {
        var ran = new ArrayList<String>();
        var handlers = new LinkedHashMap<String, Poort.Handler<JsonNode>>();
        for (var name : List.of("note", "notification", "session_termination")) {
            handlers.put(name, (parameters, record) -> {
                ran.add(name);
                return record;
            });
        }
        handlers.put("hide", (fields, record) -> {
            ran.add("hide");
            var shown = record.<ObjectNode>deepCopy();
            fields.forEach(field -> shown.remove(field.asText()));
            return shown;
        });
        handlers.put("breaks", (parameters, record) -> {
            throw new IllegalStateException("as the case wants it");
        });
        var facts = new LinkedHashMap<String, Object>();
        facts.put("decision_record", answer.decisionRecord());
        facts.put("ran", ran);
        try {
            var record = answer.comply(handlers);
            facts.put("granted", true);
            facts.put("record", record);
        } catch (Poort.DeniedException denied) {
            facts.put("granted", false);
            facts.put("answered", denied.answered);
            facts.put("reason", denied.getMessage());
            if (!denied.reasonUser.isEmpty()) facts.put("reason_user", denied.reasonUser);
        }
        return facts;
    }
}

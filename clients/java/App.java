package reports;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;

/**
 * Shows reports, each after poort allowed it, with the JDK's own server. {@code spring/Reports.java} has the same for Spring.
 *
 * <pre>
 * POORT=http://127.0.0.1:50051 PORT=8000 java reports.App
 * curl -H 'Authorization: Bearer anna' http://127.0.0.1:8000/reports/r-1
 * </pre>
 */
final class App {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Poort POORT =
            new Poort(System.getenv().getOrDefault("POORT", "http://127.0.0.1:50051"), Duration.ofSeconds(2));

    // The application's data, and its sessions: an access token for each account. A login would make them.
    private static final Map<String, Map<String, Object>> REPORTS = new LinkedHashMap<>();
    private static final Set<String> SESSIONS = ConcurrentHashMap.newKeySet();

    public static void main(String[] args) throws IOException {
        REPORTS.put("r-1", report("north", false, "R. Voorbeeld", "A bicycle is gone."));
        REPORTS.put("r-2", report("south", false, "S. Voorbeeld", "A window is broken."));
        REPORTS.put("r-3", report("north", true, "T. Voorbeeld", "A wallet was found."));
        SESSIONS.addAll(Set.of("anna", "leo", "pim"));
        var port = Integer.parseInt(System.getenv().getOrDefault("PORT", "8000"));
        var server = HttpServer.create(new InetSocketAddress("127.0.0.1", port), 0);
        server.setExecutor(Executors.newCachedThreadPool());
        server.createContext("/", App::serve);
        server.start();
    }

    private static void serve(HttpExchange call) throws IOException {
        try {
            var header = Optional.ofNullable(call.getRequestHeaders().getFirst("Authorization")).orElse("");
            var user = header.replaceFirst("^Bearer ", "");
            if (!SESSIONS.contains(user)) {
                send(call, 401, Map.of());
                return;
            }
            var path = call.getRequestURI().getPath();
            var number = path.replaceFirst("^/reports/?", "");
            if (!number.isEmpty() && !REPORTS.containsKey(number)) {
                send(call, 404, Map.of());
            } else {
                send(call, 200, number.isEmpty() ? page(user, call) : one(user, number, call));
            }
        } catch (Poort.DeniedException denied) {
            // Why stays in the logs: the message may tell what the user must not know. This tells what the user may know.
            var told = denied.reasonUser.isEmpty() ? "This is not possible now." : denied.reasonUser;
            send(call, denied.answered ? 403 : 503, Map.of("reason", told));
        }
    }

    private static Object one(String user, String number, HttpExchange call) {
        var answer = POORT.may(question(user, number), REPORTS.get(number), call.getRequestHeaders()::getFirst);
        return answer.comply(handlers(user));
    }

    private static Object page(String user, HttpExchange call) {
        var rows = REPORTS.entrySet().stream().map(it -> Map.entry(question(user, it.getKey()), it.getValue())).toList();
        var shown = new ArrayList<Map<String, Object>>();
        for (var answer : POORT.mayEach(rows, call.getRequestHeaders()::getFirst)) {
            try {
                shown.add(answer.comply(handlers(user)));
            } catch (Poort.DeniedException denied) {
                if (!denied.answered) throw denied;
            }
        }
        return shown;
    }

    private static Map<String, Object> question(String user, String number) {
        var report = REPORTS.get(number);
        var described = Map.of("unit", report.get("unit"), "sealed", report.get("sealed"));
        return Map.of(
                "subject", Map.of("type", "User", "id", user),
                "action", Map.of("name", "consult"),
                "resource", Map.of("type", "Report", "id", number, "properties", described));
    }

    /** What this application can do of what an answer asks for. */
    private static Map<String, Poort.Handler<Map<String, Object>>> handlers(String user) {
        return Map.of(
                "hide", (fields, report) -> {
                    var shown = new LinkedHashMap<>(report);
                    fields.forEach(field -> shown.remove(field.asText()));
                    return shown;
                },
                "session_termination", (parameters, report) -> {
                    SESSIONS.remove(user);
                    return report;
                });
    }

    private static Map<String, Object> report(String unit, boolean sealed, String reporter, String text) {
        var report = new LinkedHashMap<String, Object>();
        report.put("unit", unit);
        report.put("sealed", sealed);
        report.put("reporter", reporter);
        report.put("text", text);
        return report;
    }

    private static void send(HttpExchange call, int status, Object body) throws IOException {
        var bytes = JSON.writeValueAsBytes(body);
        call.getResponseHeaders().set("content-type", "application/json");
        call.sendResponseHeaders(status, bytes.length);
        call.getResponseBody().write(bytes);
        call.close();
    }
}

package reports;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodySubscriber;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Flow;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.UnaryOperator;

/**
 * A client of poort, the policy decision point beside an application: it hands out a record only if poort allowed that.
 *
 * <p>Copy this file into an application. It needs Java 17 and Jackson, which every Spring Boot application has. It asks in
 * JSON, so that nothing is generated; with the JDK's own client, which reaches no Unix socket.
 *
 * <pre>{@code
 * var poort = new Poort("http://127.0.0.1:50051", Duration.ofSeconds(2));
 * var answer = poort.may(question, record, request::getHeader);
 * var shown = answer.comply(handlers);                // the record, or it throws DeniedException
 * }</pre>
 *
 * <p>Whatever is not a clear yes is Denied: an error, a late answer, garbage, an obligation without a handler.
 */
public final class Poort {
    private static final int LARGEST = 1 << 20;
    private static final Duration PAUSE = Duration.ofMillis(50);
    private static final System.Logger LOG = System.getLogger("poort");
    private static final ObjectMapper JSON =
            new ObjectMapper().enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);

    /** What poort says about a record of the application. Only {@code comply} hands the record out. */
    public sealed interface Answer<R> permits Granted, Denied {
        /** Does the obligations and returns the record. Without access, or if one cannot be done, it throws. */
        R comply(Map<String, Handler<R>> handlers) throws DeniedException;

        /** The key of the decision record, for the application's own log; null if there is none. */
        JsonNode decisionRecord();
    }

    /**
     * Does one kind of obligation. It returns the record to go on with, such as one without the fields to hide. The
     * obligations of a deny come without a record: it is null.
     */
    @FunctionalInterface
    public interface Handler<R> {
        R handle(JsonNode parameters, R record) throws Exception;
    }

    private record Duty(String key, JsonNode parameters) {}

    public static final class Granted<R> implements Answer<R> {
        private final R record;
        private final List<Duty> duties;
        private final JsonNode decisionRecord;

        private Granted(R record, List<Duty> duties, JsonNode decisionRecord) {
            this.record = record;
            this.duties = duties;
            this.decisionRecord = decisionRecord;
        }

        @Override
        public R comply(Map<String, Handler<R>> handlers) {
            var undone = new ArrayList<String>();
            R shown = run(duties, handlers, record, undone);
            if (undone.isEmpty()) return shown;
            var reason = "The application cannot do what this access asks for: " + String.join(", ", undone) + ".";
            throw new DeniedException(reason, true, decisionRecord, "");
        }

        @Override
        public JsonNode decisionRecord() {
            return decisionRecord;
        }
    }

    public static final class Denied<R> implements Answer<R> {
        private final DeniedException why;
        private final List<Duty> duties;

        private Denied(DeniedException why, List<Duty> duties) {
            this.why = why;
            this.duties = duties;
        }

        @Override
        public R comply(Map<String, Handler<R>> handlers) {
            run(duties, handlers, null, new ArrayList<>());
            throw why;
        }

        @Override
        public JsonNode decisionRecord() {
            return why.decisionRecord;
        }
    }

    /**
     * No access. {@code answered} is false if poort did not decide that: then it may be another answer later.
     * {@code reasonUser} may be shown to the user, and the message may not; it is empty where poort gave none.
     */
    public static final class DeniedException extends RuntimeException {
        public final boolean answered;
        public final transient JsonNode decisionRecord;
        public final String reasonUser;

        private DeniedException(String reason, boolean answered, JsonNode decisionRecord, String reasonUser) {
            super(reason);
            this.answered = answered;
            this.decisionRecord = decisionRecord;
            this.reasonUser = reasonUser;
        }
    }

    // Without the proxies of the machine: a question goes to the sidecar or nowhere. It follows no redirects.
    private final HttpClient http = HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1).proxy(HttpClient.Builder.NO_PROXY).build();
    private final String address;
    private final Duration deadline;

    /** The sidecar at an address, and how long a question may take, with all its attempts. */
    public Poort(String address, Duration deadline) {
        this.address = address;
        this.deadline = deadline;
    }

    /**
     * Asks whether this may be done with the record.
     *
     * @param question what Jackson writes as AuthZEN's JSON, such as a {@code Map}
     * @param header the headers of the request that is being served, such as {@code request::getHeader}
     */
    public <R> Answer<R> may(Object question, R record, UnaryOperator<String> header) {
        try {
            return read(ask("evaluation", question, header), record);
        } catch (DeniedException denied) {
            return new Denied<>(denied, List.of());
        }
    }

    /** Asks in one call about many records, such as the rows of a page: each question with its record. */
    public <R> List<Answer<R>> mayEach(List<? extends Map.Entry<?, R>> rows, UnaryOperator<String> header) {
        if (rows.isEmpty()) return List.of();
        var answers = new ArrayList<Answer<R>>();
        try {
            var asked = Map.of("evaluations", rows.stream().map(Map.Entry::getKey).toList());
            var given = ask("evaluations", asked, header).path("evaluations");
            if (!given.isArray() || given.size() != rows.size()) throw noAnswer("poort did not answer each question.");
            for (int row = 0; row < rows.size(); row++) answers.add(read(given.get(row), rows.get(row).getValue()));
        } catch (DeniedException denied) {
            rows.forEach(row -> answers.add(new Denied<>(denied, List.of())));
        }
        return answers;
    }

    private JsonNode ask(String path, Object question, UnaryOperator<String> header) {
        var until = System.nanoTime() + deadline.toNanos();
        var why = "the deadline passed";
        var pause = PAUSE;
        try {
            var request = HttpRequest.newBuilder(URI.create(address + "/access/v1/" + path))
                    .header("content-type", "application/json")
                    .POST(HttpRequest.BodyPublishers.ofByteArray(JSON.writeValueAsBytes(question)));
            for (var name : List.of("traceparent", "tracestate", "x-request-id")) {
                if (header.apply(name) != null) request.header(name, header.apply(name));
            }
            while (true) {
                var wait = pause;
                var call = http.sendAsync(request.build(), head -> new Limited());
                try {
                    var response = call.get(until - System.nanoTime(), TimeUnit.NANOSECONDS);
                    if (response.statusCode() == 200) return parse(response);
                    why = "status " + response.statusCode();
                    if (response.statusCode() != 429 && response.statusCode() != 503) {
                        LOG.log(System.Logger.Level.ERROR, "poort refused a question with {0}: {1}", why,
                                new String(response.body(), 0, Math.min(500, response.body().length)));
                        break;
                    }
                    var after = seconds(response.headers().firstValue("retry-after").orElse(""));
                    if (after.compareTo(wait) > 0) wait = after;
                } catch (ExecutionException failed) {
                    for (Throwable it = failed; it != null; it = it.getCause()) {
                        if (it instanceof TooLarge) throw noAnswer("The answer is too large.");
                    }
                    why = "no connection";
                } finally {
                    call.cancel(true);
                }
                // poort restarts or is full. A question changes nothing, so it is asked again, if there is time.
                if (until - System.nanoTime() < wait.toNanos()) break;
                Thread.sleep(wait.toMillis());
                pause = pause.multipliedBy(2);
            }
        } catch (TimeoutException late) {
            // `why` says what the attempt before it came to.
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
            why = "interrupted";
        } catch (JsonProcessingException | IllegalArgumentException unsendable) {
            why = unsendable.getMessage();
        }
        throw noAnswer("No answer from poort: " + why + ".");
    }

    /** What Retry-After says; none if it is a date. */
    private static Duration seconds(String told) {
        return told.matches("[0-9]{1,9}") ? Duration.ofSeconds(Integer.parseInt(told)) : Duration.ZERO;
    }

    private static JsonNode parse(HttpResponse<byte[]> response) {
        try {
            var kind = response.headers().firstValue("content-type").orElse("").split(";")[0].strip();
            if (kind.equals("application/json")) {
                var answer = JSON.readTree(response.body());
                if (answer.isObject()) return answer;
            }
        } catch (IOException garbage) {
            // It is no JSON.
        }
        throw foreign();
    }

    /** One answer, if it has the form of poort's. */
    private static <R> Answer<R> read(JsonNode answer, R record) {
        try {
            var decision = answer.path("decision");
            var context = answer.path("context");
            if (!decision.isBoolean() || !(context.isObject() || context.isMissingNode())) throw foreign();
            var error = context.get("error");
            // Only in a batch: poort could not decide this one.
            if (error != null) throw noAnswer("No answer from poort: status " + error.path("status") + ".");
            var obligations = context.path("obligations");
            if (!obligations.isArray() && !obligations.isMissingNode()) throw foreign();
            var duties = new ArrayList<Duty>();
            for (var obligation : obligations) duties.addAll(duties(obligation));
            var decisionRecord = context.get("record");
            if (decision.booleanValue()) return new Granted<>(record, duties, decisionRecord);
            // A sentence for each code; poort has one.
            var told = context.path("reason_user").path("403").textValue();
            var reason = context.path("reason").asText();
            return new Denied<>(new DeniedException(reason, true, decisionRecord, told == null ? "" : told), duties);
        } catch (DeniedException denied) {
            return new Denied<>(denied, List.of());
        }
    }

    /** What an obligation asks for: its type with its properties, or each property of a custom one. */
    private static List<Duty> duties(JsonNode obligation) {
        var type = obligation.path("type");
        var properties = obligation.path("properties");
        if (!type.isTextual() || !(properties.isObject() || properties.isMissingNode())) throw foreign();
        if (!type.asText().equals("custom") || properties.isEmpty()) {
            return List.of(new Duty(type.asText(), properties));
        }
        var each = new ArrayList<Duty>();
        properties.fields().forEachRemaining(it -> each.add(new Duty(it.getKey(), it.getValue())));
        return each;
    }

    /** Does what can be done, also when something else cannot, and returns the record to go on with. */
    private static <R> R run(List<Duty> duties, Map<String, Handler<R>> handlers, R record, List<String> undone) {
        for (var duty : duties) {
            try {
                var handler = handlers.get(duty.key());
                if (handler == null) throw new IllegalStateException("there is no handler");
                record = handler.handle(duty.parameters(), record);
            } catch (Exception failed) {
                LOG.log(System.Logger.Level.ERROR, "The obligation \"" + duty.key() + "\" was not done.", failed);
                undone.add(duty.key());
            }
        }
        return record;
    }

    private static DeniedException noAnswer(String reason) {
        return new DeniedException(reason, false, null, "");
    }

    private static DeniedException foreign() {
        return noAnswer("The answer is not poort's.");
    }

    private static final class TooLarge extends IOException {}

    /** Reads a body up to the limit. */
    private static final class Limited implements BodySubscriber<byte[]> {
        private final BodySubscriber<byte[]> all = HttpResponse.BodySubscribers.ofByteArray();
        private Flow.Subscription subscription;
        private long size;

        @Override
        public void onSubscribe(Flow.Subscription given) {
            subscription = given;
            all.onSubscribe(given);
        }

        @Override
        public void onNext(List<ByteBuffer> part) {
            size += part.stream().mapToInt(ByteBuffer::remaining).sum();
            if (size <= LARGEST) {
                all.onNext(part);
            } else {
                subscription.cancel();
                all.onError(new TooLarge());
            }
        }

        @Override
        public void onError(Throwable failed) {
            all.onError(failed);
        }

        @Override
        public void onComplete() {
            all.onComplete();
        }

        @Override
        public CompletionStage<byte[]> getBody() {
            return all.getBody();
        }
    }
}

package reports;

import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.http.HttpStatus;
import org.springframework.http.ResponseEntity;
import org.springframework.security.core.Authentication;
import org.springframework.security.web.authentication.logout.SecurityContextLogoutHandler;
import org.springframework.web.bind.annotation.ExceptionHandler;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.server.ResponseStatusException;

/**
 * A Spring Boot application with Spring Security that shows reports, each after poort allowed it. It is untried: there was
 * no Spring Security. Copy {@code Poort.java} beside it; the starters for web and security of Spring Boot 3 bring what both
 * need. Spring Boot 4 has another Jackson: there, add {@code com.fasterxml.jackson.core:jackson-databind}.
 *
 * <p>Spring Security says who asks. poort says what that account may do, in the controller and not in a rule for URLs: a
 * rule has no record to describe, and cannot do the obligations of an answer.
 */
@SpringBootApplication
@RestController
public class Reports {
    private final Poort poort = new Poort("http://127.0.0.1:50051", Duration.ofSeconds(2));
    private final Map<String, Map<String, Object>> reports = Map.of(
            "r-1", Map.of("unit", "north", "sealed", false, "reporter", "R. Voorbeeld", "text", "A bicycle is gone."),
            "r-2", Map.of("unit", "south", "sealed", false, "reporter", "S. Voorbeeld", "text", "A window is broken."),
            "r-3", Map.of("unit", "north", "sealed", true, "reporter", "T. Voorbeeld", "text", "A wallet was found."));

    public static void main(String[] args) {
        SpringApplication.run(Reports.class, args);
    }

    @GetMapping("/reports/{number}")
    Map<String, Object> one(
            @PathVariable String number, Authentication user, HttpServletRequest request, HttpServletResponse response) {
        var report = reports.get(number);
        if (report == null) throw new ResponseStatusException(HttpStatus.NOT_FOUND);
        var answer = poort.may(question(user, number, report), report, request::getHeader);
        return answer.comply(handlers(user, request, response));
    }

    @GetMapping("/reports")
    List<Map<String, Object>> page(Authentication user, HttpServletRequest request, HttpServletResponse response) {
        var rows = reports.entrySet().stream()
                .map(it -> Map.entry(question(user, it.getKey(), it.getValue()), it.getValue())).toList();
        var shown = new ArrayList<Map<String, Object>>();
        for (var answer : poort.mayEach(rows, request::getHeader)) {
            try {
                shown.add(answer.comply(handlers(user, request, response)));
            } catch (Poort.DeniedException denied) {
                if (!denied.answered) throw denied;
            }
        }
        return shown;
    }

    /** Why stays in the logs: the message may tell what the user must not know. This tells what the user may know. */
    @ExceptionHandler
    ResponseEntity<Map<String, Object>> denied(Poort.DeniedException denied) {
        var told = denied.reasonUser.isEmpty() ? "This is not possible now." : denied.reasonUser;
        var status = denied.answered ? HttpStatus.FORBIDDEN : HttpStatus.SERVICE_UNAVAILABLE;
        return ResponseEntity.status(status).body(Map.of("reason", told));
    }

    private static Object question(Authentication user, String number, Map<String, Object> report) {
        var described = Map.of("unit", report.get("unit"), "sealed", report.get("sealed"));
        return Map.of(
                "subject", Map.of("type", "User", "id", user.getName()),
                "action", Map.of("name", "consult"),
                "resource", Map.of("type", "Report", "id", number, "properties", described));
    }

    /** What this application can do of what an answer asks for. */
    private static Map<String, Poort.Handler<Map<String, Object>>> handlers(
            Authentication user, HttpServletRequest request, HttpServletResponse response) {
        return Map.of(
                "hide", (fields, report) -> {
                    var shown = new LinkedHashMap<>(report);
                    fields.forEach(field -> shown.remove(field.asText()));
                    return shown;
                },
                "session_termination", (parameters, report) -> {
                    new SecurityContextLogoutHandler().logout(request, response, user);
                    return report;
                });
    }
}

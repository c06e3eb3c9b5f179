// Asks what `poort codegen --lang java` made the builders of: `java Ask http://127.0.0.1:50051`.
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.List;

public final class Ask {
  public static void main(String[] arguments) throws Exception {
    Questions.Evaluation question =
        Questions.consultInvestigation(
            new Questions.Officer("officer-0007"),
            new Questions.Investigation(
                    "inv-0042", false, 3, new Questions.TeamReference("heron"), new Questions.UnitReference("detectives-north"))
                .accessCode("a"),
            new Questions.Question("9"));
    Questions.Evaluation disclosure =
        Questions.discloseRegistration(
            new Questions.System("system-0001"),
            new Questions.Registration(
                "reg-1",
                OffsetDateTime.parse("2026-11-01T13:00:00+01:00"),
                1,
                false,
                new Questions.UnitReference("station-north-1")),
            new Questions.DisclosureAction().automated(true),
            new Questions.Disclosure("8")
                .location("10.0.0.7")
                .recipient(new Questions.Recipient("desk-1", new Questions.OrganisationReference("cjib"))));
    Questions.Evaluation entries =
        Questions.combineLogEntry(
            new Questions.Officer("officer-0054"),
            new Questions.LogEntry("t-1", 2).account(new Questions.OfficerReference("officer-0001")),
            new Questions.Question("32a"));
    Questions.Evaluation able = Questions.supporting(entries, List.of(Questions.Obligation.PSEUDONYMISE));
    Questions.Evaluation unable =
        Questions.supporting(entries, List.of(Questions.Obligation.HIDE, Questions.Obligation.SESSION_TERMINATION));
    List<String> said = new ArrayList<>();
    for (Questions.Evaluation it : List.of(question, disclosure, able, unable)) said.add("" + decision(arguments[0], it));
    java.lang.System.out.println(String.join(" ", said));
  }

  static boolean decision(String address, Questions.Evaluation question) throws Exception {
    HttpRequest request =
        HttpRequest.newBuilder(URI.create(address + "/access/v1/evaluation"))
            .header("Content-Type", "application/json")
            .POST(HttpRequest.BodyPublishers.ofString(question.toJson()))
            .build();
    HttpResponse<String> response = HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofString());
    if (response.statusCode() != 200) throw new IllegalStateException(response.statusCode() + ": " + response.body());
    return response.body().contains("\"decision\":true");
  }
}

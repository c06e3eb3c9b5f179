// Asks what `poort codegen --lang csharp` made the builders of: `dotnet ask.dll http://127.0.0.1:50051`.
using System;
using System.Net.Http;
using System.Text;
using static Questions;

public static class Ask
{
    public static void Main(string[] arguments)
    {
        var question = ConsultInvestigation(
            new Officer("officer-0007"),
            new Investigation(
                "inv-0042", embargo: false, level: 3, team: new TeamReference("heron"),
                unit: new UnitReference("detectives-north"), accessCode: "a"),
            new Question("9"));
        var disclosure = DiscloseRegistration(
            new Questions.System("system-0001"),
            new Registration(
                "reg-1", firstProcessed: new DateTimeOffset(2026, 11, 1, 13, 0, 0, TimeSpan.FromHours(1)), level: 1,
                subjectsAreStaff: false, unit: new UnitReference("station-north-1")),
            action: new DisclosureAction(automated: true),
            context: new Disclosure(
                "8", location: "10.0.0.7", recipient: new Recipient("desk-1", new OrganisationReference("cjib"))));
        var entries = CombineLogEntry(
            new Officer("officer-0054"), new LogEntry("t-1", 2, account: new OfficerReference("officer-0001")), new Question("32a"));
        Console.WriteLine(
            $"{Decision(arguments[0], question)} {Decision(arguments[0], disclosure)} "
            + $"{Decision(arguments[0], Supporting(entries, Obligation.Pseudonymise))} "
            + $"{Decision(arguments[0], Supporting(entries, Obligation.Hide, Obligation.SessionTermination))}");
    }

    private static string Decision(string address, Evaluation question)
    {
        using (var http = new HttpClient(new HttpClientHandler { UseProxy = false }))
        {
            var body = new StringContent(question.ToJson(), Encoding.UTF8, "application/json");
            var response = http.PostAsync(address + "/access/v1/evaluation", body).Result;
            var answer = response.Content.ReadAsStringAsync().Result;
            if (!response.IsSuccessStatusCode) throw new InvalidOperationException($"{response.StatusCode}: {answer}");
            return answer.Contains("\"decision\":true") ? "true" : "false";
        }
    }
}

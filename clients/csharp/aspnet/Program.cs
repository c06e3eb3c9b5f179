// An ASP.NET Core application that shows reports, each after poort allowed it. It is untried: there was no ASP.NET Core.
//
//     dotnet new web --name Reports && cp Poort.cs aspnet/Program.cs Reports/
//     POORT=http://127.0.0.1:50051 dotnet run --project Reports --urls http://127.0.0.1:8000
//     curl -H 'Authorization: Bearer anna' http://127.0.0.1:8000/reports/r-1

using System.Collections.Concurrent;

var poort = new PoortClient(Environment.GetEnvironmentVariable("POORT") ?? "http://127.0.0.1:50051");

// The application's data, and its sessions: an access token for each account. A login would make them.
var reports = new Dictionary<string, Report>
{
    ["r-1"] = new("north", false, "R. Voorbeeld", "A bicycle is gone."),
    ["r-2"] = new("south", false, "S. Voorbeeld", "A window is broken."),
    ["r-3"] = new("north", true, "T. Voorbeeld", "A wallet was found."),
};
var sessions = new ConcurrentDictionary<string, string>(
    new[] { "anna", "leo", "pim" }.Select(name => KeyValuePair.Create(name, name)));

var app = WebApplication.CreateBuilder(args).Build();

// Why stays in the logs: Message may tell what the user must not know. ReasonUser tells what the user may know.
app.Use(async (context, next) =>
{
    try
    {
        await next();
    }
    catch (DeniedException denied)
    {
        context.Response.StatusCode = denied.Answered ? 403 : 503;
        var told = denied.ReasonUser == "" ? "This is not possible now." : denied.ReasonUser;
        await context.Response.WriteAsJsonAsync(new { reason = told });
    }
});

app.MapGet("/reports/{number}", async (string number, HttpRequest request, CancellationToken cancellation) =>
{
    if (Account(request) is not { } user) return Results.Unauthorized();
    if (!reports.TryGetValue(number, out var report)) return Results.NotFound();
    var answer = await poort.May(Question(user, number, report), report, Header(request), cancellation);
    return Results.Json(await answer.Comply(Handlers(user)));
});

app.MapGet("/reports", async (HttpRequest request, CancellationToken cancellation) =>
{
    if (Account(request) is not { } user) return Results.Unauthorized();
    var rows = reports.Select(it => KeyValuePair.Create(Question(user, it.Key, it.Value), it.Value)).ToList();
    var shown = new List<Report>();
    foreach (var answer in await poort.MayEach(rows, Header(request), cancellation))
    {
        try
        {
            shown.Add(await answer.Comply(Handlers(user)));
        }
        catch (DeniedException denied) when (denied.Answered)
        {
            // This row is not for this user.
        }
    }
    return Results.Json(shown);
});

app.Run();

string? Account(HttpRequest request) =>
    sessions.GetValueOrDefault(request.Headers.Authorization.ToString().Replace("Bearer ", ""));

Func<string, string?> Header(HttpRequest request) => name => (string?)request.Headers[name];

object Question(string user, string number, Report report) => new
{
    subject = new { type = "User", id = user },
    action = new { name = "consult" },
    resource = new { type = "Report", id = number, properties = new { unit = report.Unit, @sealed = report.Sealed } },
};

// What this application can do of what an answer asks for.
Dictionary<string, Handler<Report>> Handlers(string user) => new()
{
    ["hide"] = (fields, report) => fields.EnumerateArray().All(field => field.GetString() == "reporter")
        ? Task.FromResult(report with { Reporter = null })
        : throw new NotSupportedException($"This application cannot hide {fields}."),
    ["session_termination"] = (_, report) =>
    {
        sessions.TryRemove(user, out string? _);
        return Task.FromResult(report);
    },
};

record Report(string Unit, bool Sealed, string? Reporter, string Text);

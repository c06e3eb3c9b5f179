// Shows reports, each after poort allowed it, over a plain socket: the server of .NET Core 3.1 wants an OpenSSL that systems of
// today do not have. aspnet/Program.cs has the same for ASP.NET Core.
//
//     poort codegen --lang csharp clients/policies > Questions.cs
//     POORT=http://127.0.0.1:50051 PORT=8000 dotnet app.dll
//     curl -H 'Authorization: Bearer anna' http://127.0.0.1:8000/reports/r-1

using System;
using System.Collections.Concurrent;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using System.Threading.Tasks;
using Report = System.Collections.Generic.Dictionary<string, object>;

public static class App
{
    // The first question takes longer than others: .NET compiles the client then.
    private static readonly PoortClient poort = new PoortClient(
        Environment.GetEnvironmentVariable("POORT") ?? "http://127.0.0.1:50051", TimeSpan.FromSeconds(5));

    // The application's data, and its sessions: an access token for each account. A login would make them.
    private static readonly Dictionary<string, Report> reports = new Dictionary<string, Report>
    {
        ["r-1"] = New("north", false, "R. Voorbeeld", "A bicycle is gone."),
        ["r-2"] = New("south", false, "S. Voorbeeld", "A window is broken."),
        ["r-3"] = New("north", true, "T. Voorbeeld", "A wallet was found."),
    };
    private static readonly ConcurrentDictionary<string, string> sessions = new ConcurrentDictionary<string, string>(
        new[] { "anna", "leo", "pim" }.Select(name => new KeyValuePair<string, string>(name, name)));

    public static void Main()
    {
        var port = int.Parse(Environment.GetEnvironmentVariable("PORT") ?? "8000");
        var server = new TcpListener(IPAddress.Loopback, port);
        server.Start();
        while (true)
        {
            var caller = server.AcceptTcpClient();
            Task.Run(() => Serve(caller));
        }
    }

    private static async Task Serve(TcpClient caller)
    {
        using (caller)
        using (var reader = new StreamReader(caller.GetStream()))
        {
            var path = (await reader.ReadLineAsync() ?? "").Split(' ').ElementAtOrDefault(1) ?? "";
            var headers = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
            for (var line = await reader.ReadLineAsync(); !string.IsNullOrEmpty(line); line = await reader.ReadLineAsync())
            {
                var colon = line.IndexOf(':');
                if (colon > 0) headers[line.Substring(0, colon)] = line.Substring(colon + 1).Trim();
            }
            var answer = await Answer(path, name => headers.TryGetValue(name, out string value) ? value : null);
            var body = JsonSerializer.SerializeToUtf8Bytes(answer.Value, answer.Value.GetType());
            var head = $"HTTP/1.1 {answer.Key} -\r\nContent-Type: application/json\r\nContent-Length: {body.Length}\r\n"
                + "Connection: close\r\n\r\n";
            var bytes = Encoding.ASCII.GetBytes(head).Concat(body).ToArray();
            await caller.GetStream().WriteAsync(bytes, 0, bytes.Length);
        }
    }

    // The status, and what is shown.
    private static async Task<KeyValuePair<int, object>> Answer(string path, Func<string, string> header)
    {
        try
        {
            var token = (header("Authorization") ?? "").Replace("Bearer ", "");
            if (!sessions.TryGetValue(token, out string user)) return new KeyValuePair<int, object>(401, new Report());
            var number = path.Split('/').ElementAtOrDefault(2) ?? "";
            if (number == "") return new KeyValuePair<int, object>(200, await Page(user, header));
            if (!reports.ContainsKey(number)) return new KeyValuePair<int, object>(404, new Report());
            return new KeyValuePair<int, object>(200, await One(user, number, header));
        }
        catch (DeniedException denied)
        {
            // Why stays in the logs: Message may tell what the user must not know. ReasonUser tells what the user may know.
            var told = denied.ReasonUser == "" ? "This is not possible now." : denied.ReasonUser;
            return new KeyValuePair<int, object>(denied.Answered ? 403 : 503, new { reason = told });
        }
    }

    private static async Task<Report> One(string user, string number, Func<string, string> header)
    {
        var answer = await poort.May(Question(user, number), reports[number], header);
        return await answer.Comply(Handlers(user));
    }

    private static async Task<List<Report>> Page(string user, Func<string, string> header)
    {
        var rows = reports.Select(it => new KeyValuePair<object, Report>(Question(user, it.Key), it.Value)).ToList();
        var shown = new List<Report>();
        foreach (var answer in await poort.MayEach(rows, header))
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
        return shown;
    }

    private static Dictionary<string, object> Question(string user, string number)
    {
        var report = reports[number];
        var described = new Questions.Report(number, sealed_: (bool)report["sealed"], unit: Unit(report));
        return Questions.ConsultReport(new Questions.User(user), described).ToDictionary();
    }

    private static Questions.UnitReference Unit(Report report)
    {
        return new Questions.UnitReference((string)report["unit"]);
    }

    // What this application can do of what an answer asks for.
    private static Dictionary<string, Handler<Report>> Handlers(string user)
    {
        return new Dictionary<string, Handler<Report>>
        {
            [Questions.KeyOf(Questions.Obligation.Hide)] = (parameters, report) =>
            {
                var fields = parameters.EnumerateArray().Select(field => field.GetString()).ToArray();
                return Task.FromResult(report.Where(it => !fields.Contains(it.Key)).ToDictionary(it => it.Key, it => it.Value));
            },
            [Questions.KeyOf(Questions.Obligation.SessionTermination)] = (parameters, report) =>
            {
                sessions.TryRemove(user, out string _);
                return Task.FromResult(report);
            },
        };
    }

    private static Report New(string unit, bool isSealed, string reporter, string text)
    {
        return new Report { ["unit"] = unit, ["sealed"] = isSealed, ["reporter"] = reporter, ["text"] = text };
    }
}

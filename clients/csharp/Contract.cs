// Runs the cases of the contract with this client, and prints a line of JSON with what each came to.
//
//     dotnet contract.dll ../contract/cases.json REAL FAKE NOWHERE

using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text.Json;
using System.Threading.Tasks;

public static class Contract
{
    public static void Main(string[] args)
    {
        var contract = JsonDocument.Parse(File.ReadAllText(args[0])).RootElement;
        var places = new Dictionary<string, string> { ["real"] = args[1], ["nowhere"] = args[3] };
        Task.WhenAll(contract.GetProperty("cases").EnumerateArray().Select(async wanted =>
        {
            var name = wanted.GetProperty("name").GetString();
            var sidecar = wanted.GetProperty("sidecar");
            var address = sidecar.ValueKind == JsonValueKind.String
                ? places[sidecar.GetString()]
                : $"{args[2]}/{Uri.EscapeDataString(name)}";
            var patience = wanted.TryGetProperty("deadline_ms", out JsonElement limit) ? limit.GetInt32() : 60_000;
            var poort = new PoortClient(address, TimeSpan.FromMilliseconds(patience));
            var line = JsonSerializer.Serialize(new Dictionary<string, object>
            {
                ["case"] = name,
                ["outcome"] = await Outcome(contract, wanted, poort),
            });
            lock (places) Console.WriteLine(line);
        }).ToArray()).GetAwaiter().GetResult();
    }

    private static async Task<object> Outcome(JsonElement contract, JsonElement wanted, PoortClient poort)
    {
        var headers = contract.GetProperty("headers");
        Func<string, string> header = name => headers.TryGetProperty(name, out JsonElement value) ? value.GetString() : null;
        Func<JsonElement, object> question = name => contract.GetProperty("questions").GetProperty(name.GetString());
        var record = contract.GetProperty("record").EnumerateObject().ToDictionary(it => it.Name, it => it.Value.GetString());
        if (!wanted.TryGetProperty("questions", out JsonElement names))
        {
            return await Told(await poort.May(question(wanted.GetProperty("question")), record, header));
        }
        var rows = names.EnumerateArray().Select(name => KeyValuePair.Create(question(name), record)).ToArray();
        return await Task.WhenAll((await poort.MayEach(rows, header)).Select(Told));
    }

    private static async Task<object> Told(Answer<Dictionary<string, string>> answer)
    {
        var ran = new List<string>();
        var handlers = new Dictionary<string, Handler<Dictionary<string, string>>>();
        foreach (var name in new[] { "note", "notification", "session_termination" })
        {
            handlers[name] = (parameters, record) =>
            {
                ran.Add(name);
                return Task.FromResult(record);
            };
        }
        handlers["hide"] = (parameters, record) =>
        {
            ran.Add("hide");
            var fields = parameters.EnumerateArray().Select(field => field.GetString()).ToArray();
            return Task.FromResult(record.Where(it => !fields.Contains(it.Key)).ToDictionary(it => it.Key, it => it.Value));
        };
        handlers["breaks"] = (parameters, record) => throw new InvalidOperationException("as the case wants it");
        var facts = new Dictionary<string, object> { ["ran"] = ran, ["decision_record"] = null };
        if (answer.DecisionRecord.ValueKind != JsonValueKind.Undefined) facts["decision_record"] = answer.DecisionRecord;
        try
        {
            facts["record"] = await answer.Comply(handlers);
            facts["granted"] = true;
        }
        catch (DeniedException denied)
        {
            facts["granted"] = false;
            facts["answered"] = denied.Answered;
            facts["reason"] = denied.Message;
            if (denied.ReasonUser != "") facts["reason_user"] = denied.ReasonUser;
        }
        return facts;
    }
}

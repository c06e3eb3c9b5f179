// A client of poort, the policy decision point beside an application: it hands out a record only if poort allowed that.
//
// Copy this file into an application. It needs .NET Core 3.1 or later and nothing else. It asks in JSON, so that nothing
// is generated.
//
//     var poort = new PoortClient("http://127.0.0.1:50051");
//     var answer = await poort.May(question, record, name => request.Headers[name]);
//     var shown = await answer.Comply(handlers);          // the record, or it throws DeniedException
//
// Whatever is not a clear yes is Denied: an error, a late answer, garbage, an obligation without a handler.

using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.Linq;
using System.Net.Http;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using System.Threading;
using System.Threading.Tasks;

/// <summary>Does one kind of obligation. It returns the record to go on with, such as one without the fields to hide. The
/// obligations of a deny come without a record: it is the default.</summary>
public delegate Task<R> Handler<R>(JsonElement parameters, R record);

/// <summary>What poort says about a record of the application: Granted or Denied.</summary>
public abstract class Answer<R>
{
    private protected readonly List<KeyValuePair<string, JsonElement>> duties;

    private protected Answer(List<KeyValuePair<string, JsonElement>> duties, JsonElement decisionRecord)
    {
        this.duties = duties;
        DecisionRecord = decisionRecord;
    }

    /// <summary>The key of the decision record, for the application's own log.</summary>
    public JsonElement DecisionRecord { get; }

    /// <summary>Does the obligations and returns the record. Without access, or if one cannot be done, it throws.</summary>
    /// <exception cref="DeniedException">There is no access.</exception>
    public abstract Task<R> Comply(IReadOnlyDictionary<string, Handler<R>> handlers);

    /// <summary>Does what can be done, also when something else cannot, and returns the record to go on with.</summary>
    private protected async Task<R> Run(IReadOnlyDictionary<string, Handler<R>> handlers, R record, List<string> undone)
    {
        foreach (var duty in duties)
        {
            try
            {
                record = await handlers[duty.Key](duty.Value, record);
            }
            catch (Exception failed)
            {
                Trace.TraceError("The obligation \"{0}\" was not done: {1}", duty.Key, failed);
                undone.Add(duty.Key);
            }
        }
        return record;
    }
}

public sealed class Granted<R> : Answer<R>
{
    private readonly R record;

    internal Granted(R record, List<KeyValuePair<string, JsonElement>> duties, JsonElement decisionRecord)
        : base(duties, decisionRecord)
    {
        this.record = record;
    }

    public override async Task<R> Comply(IReadOnlyDictionary<string, Handler<R>> handlers)
    {
        var undone = new List<string>();
        var shown = await Run(handlers, record, undone);
        if (undone.Count == 0) return shown;
        var reason = $"The application cannot do what this access asks for: {string.Join(", ", undone)}.";
        throw new DeniedException(reason, true, DecisionRecord);
    }
}

public sealed class Denied<R> : Answer<R>
{
    private readonly DeniedException why;

    internal Denied(DeniedException why, List<KeyValuePair<string, JsonElement>> duties)
        : base(duties, why.DecisionRecord)
    {
        this.why = why;
    }

    public override async Task<R> Comply(IReadOnlyDictionary<string, Handler<R>> handlers)
    {
        await Run(handlers, default(R), new List<string>());
        throw why;
    }
}

/// <summary>No access. Answered is false if poort did not decide that: then it may be another answer later. ReasonUser may be
/// shown to the user, and Message may not; it is empty where poort gave none.</summary>
public sealed class DeniedException : Exception
{
    internal DeniedException(
        string reason, bool answered = false, JsonElement decisionRecord = default(JsonElement), string reasonUser = "")
        : base(reason)
    {
        Answered = answered;
        DecisionRecord = decisionRecord;
        ReasonUser = reasonUser;
    }

    public string ReasonUser { get; }

    public bool Answered { get; }

    public JsonElement DecisionRecord { get; }
}

/// <summary>The sidecar at an address.</summary>
public sealed class PoortClient
{
    private const int Largest = 1 << 20;
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);
    private static readonly string[] Carried = { "traceparent", "tracestate", "x-request-id" };
    private readonly HttpClient http;
    private readonly string address;
    private readonly TimeSpan deadline;

    /// <param name="address">Where poort listens.</param>
    /// <param name="deadline">How long a question may take, with all its attempts; 2 seconds if it is not set.</param>
    /// <param name="handler">Another way to connect, such as to a Unix socket.</param>
    public PoortClient(string address = "http://127.0.0.1:50051", TimeSpan? deadline = null, HttpMessageHandler handler = null)
    {
        this.address = address;
        this.deadline = deadline ?? TimeSpan.FromSeconds(2);
        // Without the machine's proxies and without redirects: a question goes to the sidecar or nowhere.
        http = new HttpClient(handler ?? new HttpClientHandler { UseProxy = false, AllowAutoRedirect = false, UseCookies = false });
        http.Timeout = Timeout.InfiniteTimeSpan;
    }

    /// <summary>Asks whether this may be done with the record.</summary>
    /// <param name="question">What is AuthZEN's JSON when it is serialised, such as an anonymous object.</param>
    /// <param name="header">The headers of the request that is being served.</param>
    public async Task<Answer<R>> May<R>(
        object question, R record, Func<string, string> header, CancellationToken cancellation = default(CancellationToken))
    {
        try
        {
            return Read(await Ask("evaluation", question, header, cancellation), record);
        }
        catch (DeniedException denied)
        {
            return Refused<R>(denied);
        }
    }

    /// <summary>Asks in one call about many records, such as the rows of a page: each question with its record.</summary>
    public async Task<IReadOnlyList<Answer<R>>> MayEach<R>(
        IReadOnlyList<KeyValuePair<object, R>> rows, Func<string, string> header,
        CancellationToken cancellation = default(CancellationToken))
    {
        if (rows.Count == 0) return new Answer<R>[0];
        try
        {
            var asked = new { evaluations = rows.Select(row => row.Key) };
            var answer = await Ask("evaluations", asked, header, cancellation);
            if (!answer.TryGetProperty("evaluations", out JsonElement given) || given.ValueKind != JsonValueKind.Array
                || given.GetArrayLength() != rows.Count)
            {
                throw new DeniedException("poort did not answer each question.");
            }
            return rows.Select((row, index) => Read(given[index], row.Value)).ToArray();
        }
        catch (DeniedException denied)
        {
            return rows.Select(_ => Refused<R>(denied)).ToArray();
        }
    }

    private async Task<JsonElement> Ask(
        string path, object question, Func<string, string> header, CancellationToken cancellation)
    {
        var body = JsonSerializer.SerializeToUtf8Bytes(question, question.GetType());
        var why = "the deadline passed";
        var elapsed = Stopwatch.StartNew();
        using (var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation))
        {
            limit.CancelAfter(deadline);
            try
            {
                for (var pause = Pause; ; pause += pause)
                {
                    var wait = pause;
                    try
                    {
                        using (var response = await Post(path, body, header, limit.Token))
                        {
                            var status = (int)response.StatusCode;
                            var text = await Body(response, limit.Token);
                            if (status == 200) return Parse(response.Content.Headers.ContentType, text);
                            why = $"status {status}";
                            if (status != 429 && status != 503)
                            {
                                var said = Encoding.UTF8.GetString(text, 0, Math.Min(text.Length, 500));
                                Trace.TraceError("poort refused a question with {0}: {1}", why, said);
                                break;
                            }
                            // Not set if it is a date.
                            if (response.Headers.RetryAfter?.Delta is TimeSpan after && after > wait) wait = after;
                        }
                    }
                    catch (Exception failed) when (failed is HttpRequestException || failed is IOException)
                    {
                        why = "no connection";
                    }
                    // poort restarts or is full. A question changes nothing, so it is asked again, if there is time.
                    if (elapsed.Elapsed + wait > deadline) break;
                    await Task.Delay(wait, limit.Token);
                }
            }
            catch (OperationCanceledException)
            {
                // `why` says what the attempt before it came to.
            }
        }
        throw new DeniedException($"No answer from poort: {why}.");
    }

    private async Task<HttpResponseMessage> Post(
        string path, byte[] body, Func<string, string> header, CancellationToken cancellation)
    {
        var content = new ByteArrayContent(body);
        content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        using (var request = new HttpRequestMessage(HttpMethod.Post, $"{address}/access/v1/{path}") { Content = content })
        {
            foreach (var name in Carried)
            {
                if (header(name) is string value) request.Headers.TryAddWithoutValidation(name, value);
            }
            return await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellation);
        }
    }

    private static async Task<byte[]> Body(HttpResponseMessage response, CancellationToken cancellation)
    {
        var body = new MemoryStream();
        using (var stream = await response.Content.ReadAsStreamAsync())
        {
            var part = new byte[16384];
            int count;
            while ((count = await stream.ReadAsync(part, 0, part.Length, cancellation)) > 0)
            {
                body.Write(part, 0, count);
                if (body.Length > Largest) throw new DeniedException("The answer is too large.");
            }
        }
        return body.ToArray();
    }

    private static JsonElement Parse(MediaTypeHeaderValue kind, byte[] text)
    {
        try
        {
            if (kind?.MediaType == "application/json")
            {
                using (var document = JsonDocument.Parse(text)) return Whole(document.RootElement.Clone());
            }
        }
        catch (JsonException)
        {
            // It is no JSON.
        }
        throw Foreign();
    }

    /// <summary>One answer, if it has the form of poort's.</summary>
    private static Answer<R> Read<R>(JsonElement answer, R record)
    {
        try
        {
            var decision = Member(Whole(answer), "decision").ValueKind;
            var context = Member(answer, "context");
            if (decision != JsonValueKind.True && decision != JsonValueKind.False) throw Foreign();
            if (context.ValueKind != JsonValueKind.Undefined) Whole(context);
            // Only in a batch: poort could not decide this one.
            var error = Member(context, "error");
            if (error.ValueKind != JsonValueKind.Undefined)
            {
                throw new DeniedException($"No answer from poort: status {Member(error, "status")}.");
            }
            var obligations = Member(context, "obligations");
            var duties = new List<KeyValuePair<string, JsonElement>>();
            if (obligations.ValueKind == JsonValueKind.Array) duties.AddRange(obligations.EnumerateArray().SelectMany(Duties));
            else if (obligations.ValueKind != JsonValueKind.Undefined) throw Foreign();
            if (decision == JsonValueKind.True) return new Granted<R>(record, duties, Member(context, "record"));
            var reason = Member(context, "reason").ToString();
            // A sentence for each code; poort has one.
            var told = Member(Member(context, "reason_user"), "403");
            var reasonUser = told.ValueKind == JsonValueKind.String ? told.GetString() : "";
            return new Denied<R>(new DeniedException(reason, true, Member(context, "record"), reasonUser), duties);
        }
        catch (DeniedException denied)
        {
            return Refused<R>(denied);
        }
    }

    /// <summary>What an obligation asks for: its type with its properties, or each property of a custom one.</summary>
    private static IEnumerable<KeyValuePair<string, JsonElement>> Duties(JsonElement obligation)
    {
        var kind = Member(Whole(obligation), "type");
        var properties = Member(obligation, "properties");
        if (kind.ValueKind != JsonValueKind.String) throw Foreign();
        if (properties.ValueKind != JsonValueKind.Undefined) Whole(properties);
        var each = properties.ValueKind == JsonValueKind.Object && kind.GetString() == "custom"
            ? properties.EnumerateObject().Select(it => new KeyValuePair<string, JsonElement>(it.Name, it.Value)).ToArray()
            : new KeyValuePair<string, JsonElement>[0];
        return each.Length > 0 ? each : new[] { new KeyValuePair<string, JsonElement>(kind.GetString(), properties) };
    }

    private static JsonElement Whole(JsonElement value)
    {
        return value.ValueKind == JsonValueKind.Object ? value : throw Foreign();
    }

    /// <summary>A member of an object; undefined if it is absent.</summary>
    private static JsonElement Member(JsonElement of, string name)
    {
        return of.ValueKind == JsonValueKind.Object && of.TryGetProperty(name, out JsonElement value) ? value : default(JsonElement);
    }

    private static DeniedException Foreign()
    {
        return new DeniedException("The answer is not poort's.");
    }

    private static Answer<R> Refused<R>(DeniedException why)
    {
        return new Denied<R>(why, new List<KeyValuePair<string, JsonElement>>());
    }
}

import type { Audit } from '../access/audit/audit.ts';
import { type Look, lookRecorder as looks } from '../access/audit/look-recorder.ts';
import type { Broker } from '../broker/broker.ts';
import { askControl, COMMAND_LINE, type ControlServer, serveControl } from '../control/control.ts';
import { EngineError } from '../error/engine-error.ts';
import type { TraceReader } from '../trace/trace-store.ts';
import type { StoredBody } from '../trace/traced-message.ts';

/** The reader's methods that may be asked for over NATS. */
const METHODS = [
  'find',
  'quickFind',
  'fields',
  'session',
  'message',
  'events',
  'statistics',
  'replayList',
  'openMessages',
  'failures',
] as const satisfies readonly (keyof TraceReader)[];

interface Question {
  readonly method: string;
  readonly args: readonly unknown[];
  /** Who asks, as the client says. */
  readonly by?: string | undefined;
}

type CarriedBody = Omit<StoredBody, 'bytes'> & { readonly base64?: string | undefined };

/** Lets the command line, and consoles on other machines, read the trace where its store lies. */
export function serveTrace(broker: Broker, reader: TraceReader, audit: () => Audit): ControlServer {
  const recorded = lookRecorder(audit);
  const answer = async (request: unknown): Promise<unknown> => {
    const { method, args, by = 'unknown' } = request as Question;
    await recorded(method, args, by);
    if (method === 'body') {
      const [id, part] = args as Parameters<TraceReader['body']>;
      return carried(await reader.body(id, part));
    }
    const known = METHODS.find((name) => name === method);
    if (known === undefined) throw new EngineError('NOT_FOUND', `the trace has no ${method}`);
    const call = reader[known].bind(reader) as (...given: readonly unknown[]) => Promise<unknown>;
    return call(...args);
  };
  // of several operator planes one answers
  return serveControl(broker, broker.names.ask('trace'), answer, true);
}

/** What of a patient, or of what waits, a question shows; the others are figures and names. */
function lookOf(method: string, [first, second]: readonly unknown[]): Look | undefined {
  const id = String(first);
  switch (method) {
    case 'find': {
      // a page that goes on asks the same
      const { after: _after, from: _from, to: _to, timeBudget: _time, ...criteria } = Object(first);
      return { action: 'message.search', object: 'messages', detail: { criteria } };
    }
    case 'quickFind':
      return { action: 'message.find', object: 'messages', detail: { search: { text: first } } };
    case 'session':
      return { action: 'message.trace', object: `session ${id}` };
    case 'message':
      return { action: 'message.metadata', object: `message ${id}` };
    case 'body':
      return { action: 'message.view', object: `message ${id}`, detail: { part: second } };
    case 'openMessages':
    case 'replayList':
      return { action: 'queue.messages', object: `host ${id}` };
    default:
      return undefined;
  }
}

function lookRecorder(
  audit: () => Audit,
): (method: string, args: readonly unknown[], by: string) => Promise<void> {
  const record = looks();
  return async (method, args, by) => {
    const look = lookOf(method, args);
    if (look === undefined) return;
    const actor = { name: by, via: COMMAND_LINE };
    const detail = { ...look.detail, assertedBy: 'client' };
    await record(audit(), { ...look, detail, actor, ip: '' }, async () => undefined);
  };
}

function carried(body: StoredBody | undefined): CarriedBody | undefined {
  if (body === undefined) return undefined;
  const { bytes, ...rest } = body;
  return {
    ...rest,
    base64: bytes === undefined ? undefined : Buffer.from(bytes).toString('base64'),
  };
}

/** Reads the trace of a running production from anywhere its NATS is reached. */
export function remoteTrace(broker: Broker, by: string): TraceReader {
  const ask = async (method: string, args: readonly unknown[]): Promise<unknown> => {
    const answer = await askControl<unknown>(
      broker,
      broker.names.ask('trace'),
      { method, args, by },
      { timeout: 30_000 },
    );
    return answer ?? undefined;
  };
  const methods = Object.fromEntries(
    METHODS.map((method) => [
      method,
      (...args: readonly unknown[]) => ask(method, args.slice(0, 1)),
    ]),
  ) as unknown as Omit<TraceReader, 'body'>;
  return {
    ...methods,
    async body(id, part) {
      const found = (await ask('body', [id, part])) as CarriedBody | undefined;
      if (found === undefined) return undefined;
      const { base64, ...rest } = found;
      return { ...rest, bytes: base64 === undefined ? undefined : Buffer.from(base64, 'base64') };
    },
  };
}

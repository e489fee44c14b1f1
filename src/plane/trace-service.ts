import type { Audit } from '../access/audit/audit.ts';
import { type Look, lookRecorder } from '../access/audit/look-recorder.ts';
import type { Broker } from '../broker/broker.ts';
import { type ControlServer, serveControl } from '../control/control.ts';
import { COMMAND_LINE } from '../control/orders.ts';
import { TRACE } from '../control/verbs.ts';
import type { TraceReader } from '../trace/trace-store.ts';

/** Lets the command line read the trace where its store lies. What shows something of a patient is recorded first. */
export function serveTrace(broker: Broker, reader: TraceReader, audit: () => Audit): ControlServer {
  const record = lookRecorder();
  const seen = (by: string, look: Look): Promise<void> => {
    const detail = { ...look.detail, assertedBy: 'client' };
    const entry = { ...look, detail, actor: { name: by, via: COMMAND_LINE }, ip: '' };
    return record(audit(), entry, async () => undefined);
  };
  return serveControl(broker, TRACE, {
    async find({ query, by }) {
      // a page that goes on asks the same
      const { after: _after, from: _from, to: _to, timeBudget: _time, ...criteria } = query;
      await seen(by, { action: 'message.search', object: 'messages', detail: { criteria } });
      return reader.find(query);
    },
    async quickFind({ text, limit, by }) {
      const detail = { search: { text } };
      await seen(by, { action: 'message.find', object: 'messages', detail });
      return reader.quickFind(text, { limit });
    },
    fields: () => reader.fields(),
    async session({ id, by }) {
      await seen(by, { action: 'message.trace', object: `session ${id}` });
      return reader.session(id);
    },
    async message({ id, by }) {
      await seen(by, { action: 'message.metadata', object: `message ${id}` });
      return reader.message(id);
    },
  });
}

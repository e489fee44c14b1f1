import type { RemoteTrace } from '../../control/remote-trace.ts';
import { drawSession } from '../../trace/drawing/draw-session.ts';
import type { TracedMessage } from '../../trace/traced-message.ts';
import { table, terminal } from '../output.ts';

export interface DemoResult {
  readonly ok: boolean;
  readonly sent: number;
  readonly expected: Readonly<Record<string, number>>;
  /** Counted by the receiving systems. */
  readonly arrived: Readonly<Record<string, number>>;
  /** Messages by the type of the adapter they left through. */
  readonly adapters: Readonly<Record<string, number>>;
  readonly seconds: number;
}

/** What arrived where, counted by the receiving systems. */
export function arrivalTable({ expected, arrived }: DemoResult): string {
  return table([
    ['system', 'expected', 'arrived', ''],
    ...Object.entries(expected).map(([name, count]) => [
      name,
      String(count),
      String(arrived[name] ?? 0),
      arrived[name] === count ? '✓' : '✗ missing',
    ]),
  ]);
}

/** Which rules fired and how often, and the busiest session drawn as a trace. */
export async function traceReport(
  trace: RemoteTrace,
  processes: readonly string[],
): Promise<string> {
  const rules = new Map<string, number>();
  let busiest = { sessionId: 0, sends: 0 };
  for await (const message of routed(trace, processes)) {
    const { sessionId, explain } = message;
    for (const { rule, result } of explain?.rules ?? []) {
      if (result === 'fired') rules.set(rule, (rules.get(rule) ?? 0) + 1);
    }
    const sends = explain?.sent.length ?? 0;
    if (sends > busiest.sends) busiest = { sessionId, sends };
  }
  const counts = [...rules]
    .toSorted((a, b) => b[1] - a[1])
    .map(([rule, count]) => [rule, String(count)]);
  const session = await trace.session(busiest.sessionId);
  const drawn =
    session === undefined
      ? []
      : ['', 'One session, as the trace shows it:', '', drawSession(session, terminal())];
  return [table([['rule', 'fired'], ...counts]), ...drawn].join('\n');
}

/** Every message that went into one of the processes, with its explanation. */
async function* routed(
  trace: RemoteTrace,
  processes: readonly string[],
): AsyncGenerator<TracedMessage> {
  let after: string | undefined;
  do {
    const page = await trace.find({ hosts: processes, limit: 200, after });
    for (const { id } of page.items.filter(({ target }) => processes.includes(target))) {
      const message = await trace.message(id);
      if (message !== undefined) yield message;
    }
    after = page.next;
  } while (after !== undefined);
}

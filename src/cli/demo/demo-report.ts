import { drawSession } from '../../trace/drawing/draw-session.ts';
import type { TraceReader } from '../../trace/trace-store.ts';
import { table } from '../output.ts';
import { terminal } from '../terminal.ts';

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

/** What arrived where, as the receiving systems counted it. */
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
  trace: TraceReader,
  processes: readonly string[],
): Promise<string> {
  const rules = new Map<string, number>();
  let busiest: { id: number; size: number } | undefined;
  let after: string | undefined;
  do {
    const page = await trace.find({ hosts: processes, limit: 200, after });
    for (const { id, sessionId, target } of page.items.filter((one) =>
      processes.includes(one.target),
    )) {
      const message = await trace.message(id);
      const fired = message?.explain?.rules.filter(({ result }) => result === 'fired') ?? [];
      for (const { rule } of fired) rules.set(rule, (rules.get(rule) ?? 0) + 1);
      const size = message?.explain?.sent.length ?? 0;
      if (size > (busiest?.size ?? 0) && target === processes[0]) busiest = { id: sessionId, size };
    }
    after = page.next;
  } while (after !== undefined);
  const counts = [...rules]
    .toSorted((a, b) => b[1] - a[1])
    .map(([rule, count]) => [rule, String(count)]);
  const session = busiest === undefined ? undefined : await trace.session(busiest.id);
  return [
    table([['rule', 'fired'], ...counts]),
    ...(session === undefined
      ? []
      : ['', 'One session, as the trace tells it:', '', drawSession(session, terminal())]),
  ].join('\n');
}

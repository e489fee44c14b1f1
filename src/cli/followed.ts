import { setTimeout as sleep } from 'node:timers/promises';
import { InvalidArgumentError, Option } from 'commander';
import type { Broker } from '../broker/broker.ts';
import { type RemoteTrace, remoteTrace } from '../control/remote-trace.ts';
import { describeDuration, milliseconds } from '../time/duration.ts';
import { causeOfFailure } from '../trace/cause.ts';
import type { SessionOutcome } from '../trace/session-outcome.ts';
import { orderedBy } from './connect.ts';
import { table } from './output.ts';

/** How long a command follows what it has sent. */
export const waitOption = (): Option =>
  new Option(
    '--wait <time>',
    'how long to follow what was sent, to say what happened to it; 0s does not follow',
  )
    .default(30_000, '30s')
    .argParser((text) => {
      const time = milliseconds(text);
      if (time !== undefined) return time;
      throw new InvalidArgumentError('it must be a time such as 30s, 5m or forever');
    });

/** How many sessions are asked for at once. */
const AT_ONCE = 500;
const FIRST_LOOK = 100;
const LAST_LOOK = 2_000;
/** What a message led to may reach the trace a little after its own end: an end must be seen twice. */
const SETTLING = 500;

/** Follows new sessions until each has ended, or time is up. Anything not in the trace yet is left out of the answer. */
export async function followed(
  broker: Broker,
  sessions: readonly number[],
  patience: number,
): Promise<ReadonlyMap<number, SessionOutcome>> {
  const trace = remoteTrace(broker, orderedBy());
  const known = new Map<number, SessionOutcome>();
  const ended = new Set<number>();
  const until = performance.now() + patience;
  for (let pause = FIRST_LOOK; patience > 0; pause = Math.min(LAST_LOOK, pause * 2)) {
    const left = sessions.filter((id) => !ended.has(id));
    for (const one of await outcomesOf(trace, left)) {
      if (isSettled(known.get(one.sessionId), one)) ended.add(one.sessionId);
      known.set(one.sessionId, one);
    }
    const time = until - performance.now();
    if (ended.size === sessions.length || time <= 0) break;
    await sleep(Math.min(time, known.size === sessions.length ? SETTLING : pause));
  }
  return known;
}

async function outcomesOf(
  trace: RemoteTrace,
  sessions: readonly number[],
): Promise<readonly SessionOutcome[]> {
  const found: SessionOutcome[] = [];
  for (let at = 0; at < sessions.length; at += AT_ONCE)
    found.push(...(await trace.outcomes(sessions.slice(at, at + AT_ONCE))));
  return found;
}

const isSettled = (before: SessionOutcome | undefined, now: SessionOutcome): boolean =>
  !now.open &&
  before?.open === false &&
  before.state === now.state &&
  before.messageId === now.messageId;

/** What happened to what was sent, for people; and whether something failed or has not ended yet. */
export interface Said {
  /** `8 delivered, 318 refused again`. */
  readonly summary: string;
  /** Where and why, most frequent first. */
  readonly causes: readonly string[];
  /** 0: all of it succeeded. 1: something was refused. 2: something is still under way. */
  readonly exitCode: number;
}

const WORDS = {
  delivered: 'delivered',
  refused: 'refused again',
  discarded: 'discarded',
  'under-way': 'still under way',
} as const satisfies Record<SessionOutcome['state'], string>;

/** Says what happened to sessions; those that are not in the trace are under way. */
export function said(
  sessions: readonly number[],
  outcomes: ReadonlyMap<number, SessionOutcome>,
  patience: number,
): Said {
  const states = sessions.map((id) => outcomes.get(id)?.state ?? 'under-way');
  const count = (state: SessionOutcome['state']): number =>
    states.filter((one) => one === state).length;
  const parts = ORDER.filter((state) => count(state) > 0).map(
    (state) => `${count(state)} ${WORDS[state]}`,
  );
  const open = count('under-way');
  return {
    summary: `${parts.join(', ')}${open > 0 ? ` after ${describeDuration(patience)}` : ''}`,
    causes: causesOf([...outcomes.values()]),
    exitCode: count('refused') > 0 ? 1 : open > 0 ? 2 : 0,
  };
}

const ORDER = ['delivered', 'refused', 'discarded', 'under-way'] as const;

function causesOf(outcomes: readonly SessionOutcome[]): string[] {
  const told = outcomes.filter(({ state }) => state === 'refused' || state === 'under-way');
  const groups = Map.groupBy(told, ({ state, host, status, code = '', text = '', said: words }) =>
    [
      state === 'refused' ? '' : `${status} at`,
      host,
      code,
      causeOfFailure({ text, said: words }),
    ].join('\n'),
  );
  const rows = [...groups]
    .toSorted(([, a], [, b]) => b.length - a.length)
    .map(([key, alike]) => {
      const [status = '', host = '', code = ''] = key.split('\n');
      const [one] = alike;
      const text =
        one === undefined || alike.length > 1
          ? (key.split('\n')[3] ?? '')
          : [one.text, one.said].filter(Boolean).join(': ');
      return [`  ${alike.length}`, `${status} ${host}`.trim(), `${code} ${text}`.trim()];
    });
  return rows.length === 0 ? [] : table(rows).split('\n');
}

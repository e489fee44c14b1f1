import { isAway } from '../broker/away.ts';
import type { Override, OverrideKind, OverrideStore } from '../broker/overrides.ts';
import { toldElsewhere, unless } from '../error/foreseen.ts';
import { pause } from '../time/pause.ts';

/** The overrides that people set for hosts, as followed by this engine. */
export interface Overrides {
  of(host: string): readonly Override[];
  find(host: string, kind: OverrideKind): Override | undefined;
  /** Reads them again now; resolves once every change has taken effect. */
  refresh(): Promise<void>;
  close(): Promise<void>;
}

/** The longest until an override set through another engine is followed, in milliseconds. */
const LOOK = 5_000;

/** Follows the overrides until closed; `onChange` is called for each that begins, changes or ends. */
export async function followOverrides(
  store: OverrideStore,
  onChange: (now: Override | undefined, before: Override | undefined) => Promise<void> | void,
): Promise<Overrides> {
  const stop = new AbortController();
  let known: readonly Override[] = [];
  let turn: Promise<void> = Promise.resolve();

  const look = async (): Promise<void> => {
    const before = known;
    known = await store.read();
    for (const one of before) {
      if (!known.some((other) => isSame(one, other))) await onChange(undefined, one);
    }
    for (const one of known) {
      const old = before.find((other) => isSame(one, other));
      if (JSON.stringify(old) !== JSON.stringify(one)) await onChange(one, old);
    }
  };
  const refresh = (): Promise<void> => {
    turn = turn.catch(toldElsewhere).then(look);
    return turn;
  };
  await refresh();
  const follow = async (): Promise<void> => {
    while (!stop.signal.aborted) {
      const next = Math.min(...known.map(({ until }) => until - Date.now() + 1));
      const wait = Math.max(1, Math.min(LOOK, next));
      await pause(wait, stop.signal, { ref: false });
      // while NATS is unreachable nothing changes
      if (!stop.signal.aborted) await refresh().catch(unless(isAway, 'following the overrides'));
    }
  };
  const following = follow();
  return {
    of: (host) => known.filter((one) => one.host === host),
    find: (host, kind) => known.find((one) => one.host === host && one.kind === kind),
    refresh,
    async close() {
      stop.abort();
      await following;
    },
  };
}

const isSame = (one: Override, other: Override): boolean =>
  one.host === other.host && one.kind === other.kind;

/** For the event log. */
export function describeOverride(now: Override | undefined, before: Override | undefined): string {
  const { kind, level, by, until } = now ?? before ?? {};
  const what = kind === 'log-level' ? `log level ${level}` : kind;
  if (now === undefined) return `${what} set by ${by} has ended`;
  return `${what} until ${new Date(until ?? 0).toISOString()}, set by ${by}: ${now.reason}`;
}

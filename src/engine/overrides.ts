import { isAway } from '../broker/away.ts';
import type { Override, OverrideKind, OverrideStore } from '../broker/overrides.ts';
import { toldElsewhere, tolerate } from '../error/foreseen.ts';
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

  /** What fails, since NATS does not answer, stays known as it was, and is tried again. */
  const change = async (before: Override | undefined, now: Override | undefined): Promise<void> => {
    const others = known.filter((one) => one !== before);
    known = now === undefined ? others : [...others, now];
    try {
      await onChange(now, before);
    } catch (error) {
      known = before === undefined ? others : [...others, before];
      throw error;
    }
  };
  const look = async (): Promise<void> => {
    const failed: unknown[] = [];
    for (const { before, now } of changesBetween(known, await store.read())) {
      await change(before, now).catch((error: unknown) => failed.push(error));
    }
    if (failed.length > 0) throw failed[0];
  };
  const refresh = (): Promise<void> => {
    turn = turn.catch(toldElsewhere).then(look);
    return turn;
  };
  await refresh();
  const follow = async (): Promise<void> => {
    let isBehind = false;
    while (!stop.signal.aborted) {
      const next = Math.min(...known.map(({ until }) => until - Date.now() + 1));
      const wait = isBehind ? LOOK : Math.max(1, Math.min(LOOK, next));
      await pause(wait, stop.signal, { ref: false });
      if (stop.signal.aborted) return;
      isBehind = await refresh().then(
        () => false,
        (error: unknown) => {
          tolerate(error, isAway, 'following the overrides');
          return true;
        },
      );
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

function changesBetween(
  known: readonly Override[],
  all: readonly Override[],
): { readonly before: Override | undefined; readonly now: Override | undefined }[] {
  const ended = known.filter((one) => !all.some((other) => isSame(one, other)));
  const others = all.map((now) => ({ before: known.find((one) => isSame(one, now)), now }));
  return [
    ...ended.map((before) => ({ before, now: undefined })),
    ...others.filter(({ before, now }) => JSON.stringify(before) !== JSON.stringify(now)),
  ];
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

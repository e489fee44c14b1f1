import { isAway } from '../broker/away.ts';
import type { Broker } from '../broker/broker.ts';
import { subscribeSteadily } from '../broker/steady-subscription.ts';
import { askControl } from '../control/control.ts';
import { ENGINE } from '../control/verbs.ts';
import { background } from '../error/background.ts';
import { tolerate } from '../error/foreseen.ts';
import { pause } from '../time/pause.ts';
import { searchFingerprint } from '../trace/search-fields.ts';

/** The production's settings for the trace. */
export interface TraceSettings {
  /** The search fields: name → path. */
  readonly search: ReadonlyMap<string, string>;
  /** Milliseconds that settled messages are kept. */
  readonly keep: number;
}

/** The engines' current settings. */
export interface FollowedSettings {
  readonly now: TraceSettings;
  close(): void;
}

/** Milliseconds between two checks: engines announce changes, and a missed one is noticed after this time. */
const LOOK = 60_000;

/**
 * Follows the engines' settings: an applied change takes effect in the trace without a restart.
 * `first` applies until an engine has answered.
 */
export function followSettings(
  broker: Broker,
  first: TraceSettings,
  onChange: (settings: TraceSettings) => void,
): FollowedSettings {
  let now = first;
  const look = async (): Promise<void> => {
    try {
      const { settings } = await askControl(broker, ENGINE.describe, null);
      const told = { search: new Map(Object.entries(settings.search)), keep: settings.keep };
      if (isSame(now, told)) return;
      now = told;
      onChange(told);
    } catch (error) {
      // no engine answers at the moment: keep what is known
      tolerate(error, isAway, 'asking for the settings of the trace');
    }
  };
  const subscription = subscribeSteadily(broker.connection, broker.names.control('applied'), {
    hear: () => background(look(), 'following the settings of the trace'),
  });
  const stop = new AbortController();
  const lookAgain = async (): Promise<void> => {
    while (!stop.signal.aborted) {
      await look();
      await pause(LOOK, stop.signal, { ref: false });
    }
  };
  background(lookAgain(), 'following the settings of the trace');
  return {
    get now() {
      return now;
    },
    close() {
      stop.abort();
      subscription.unsubscribe();
    },
  };
}

const isSame = (one: TraceSettings, other: TraceSettings): boolean =>
  one.keep === other.keep && isSameSearch(one, other);

/** Whether the search fields are the same. */
export const isSameSearch = (
  { search: one }: Pick<TraceSettings, 'search'>,
  { search: other }: Pick<TraceSettings, 'search'>,
): boolean => searchFingerprint(one) === searchFingerprint(other);

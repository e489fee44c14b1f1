/** The current turn of the event loop, as far as one connection writes in it. */
export interface Turn {
  /** Runs the actions, in the order given, when the turn ends. An action must not throw. */
  atEnd(action: () => void): void;
  /** Runs the waiting actions now. */
  finish(): void;
}

/**
 * Gathers what a connection is to write and does it at the end of the turn. The client writes to
 * its socket once for everything that is published together, and such a write costs more CPU time
 * than the rest of a publish; under load a turn handles many messages.
 */
export function turn(): Turn {
  let waiting: (() => void)[] = [];
  const finish = (): void => {
    const actions = waiting;
    waiting = [];
    for (const action of actions) action();
  };
  return {
    atEnd(action) {
      if (waiting.push(action) === 1) setImmediate(finish);
    },
    finish,
  };
}

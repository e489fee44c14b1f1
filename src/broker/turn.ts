/** The event loop's turn that is under way, as far as a connection writes in it. */
export interface Turn {
  /** Does it, in the order given, when the turn ends. An action must not throw. */
  atEnd(action: () => void): void;
  /** Does now what waits. */
  finish(): void;
}

/**
 * Gathers what a connection is to write and does it at the end of the turn. The client writes to its
 * socket once for all that is published at one go, and such a write costs more processor time than
 * the rest of a publish; under load a turn handles many messages.
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

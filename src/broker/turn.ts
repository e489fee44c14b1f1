/** What one connection writes in the current turn of the event loop. */
export interface Turn {
  /** Runs the actions, in order, when the turn ends. An action must not throw. */
  atEnd(action: () => void): void;
  /** Runs the waiting actions now. */
  finish(): void;
}

/**
 * Collects what a connection has to write, and writes it at the end of the turn. The client writes
 * to its socket once for everything published together, and such a write costs more CPU time than
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

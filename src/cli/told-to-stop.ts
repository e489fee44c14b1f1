import { after } from '../time/timer.ts';

/** SIGHUP: the terminal, or the connection to it, is gone. */
const ORDERS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
/** Milliseconds within which the same order may arrive more than once. */
const REPEATED = 5_000;

/**
 * Resolves once this process is told to stop. One order arrives several times: a terminal (Ctrl-C)
 * or a supervisor (systemd, `timeout`) signals every process of a group, and `waybill` passes its
 * own signal on as well. A signal that comes {@link REPEATED} later is from somebody who does not
 * want to wait: it ends the process at once.
 */
export function toldToStop(): Promise<void> {
  return new Promise((resolve) => {
    const told = (): void => {
      resolve();
      after(REPEATED, forget, { ref: false });
    };
    const forget = (): void => {
      for (const signal of ORDERS) process.off(signal, told);
    };
    for (const signal of ORDERS) process.on(signal, told);
  });
}

import type { Logger } from './logger.ts';

/** One logger per host, whose level may be changed while it runs. */
export interface HostLogs {
  of(host: string): Logger;
  /** Undefined restores the program's level. */
  setLevel(host: string, level: string | undefined): void;
}

export function hostLogs(log: Logger): HostLogs {
  const loggers = new Map<string, Logger>();
  const of = (host: string): Logger => {
    let logger = loggers.get(host);
    if (logger === undefined) {
      logger = log.child({ host });
      loggers.set(host, logger);
    }
    return logger;
  };
  return {
    of,
    setLevel(host, level) {
      of(host).level = level ?? log.level;
    },
  };
}

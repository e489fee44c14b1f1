import { hearUnexpected } from '../../src/error/unexpected.ts';

/** All unhandled rejections and unexpected errors from now on. */
export function unowned(): Disposable & { all(): string[] } {
  const all: string[] = [];
  const note = (reason: unknown): void => {
    all.push(`unhandled: ${reason instanceof Error ? reason.stack : String(reason)}`);
  };
  process.on('unhandledRejection', note);
  const unhear = hearUnexpected(({ what, error }) =>
    all.push(`${what}: ${error instanceof Error ? error.stack : String(error)}`),
  );
  return {
    all: () => all,
    [Symbol.dispose]() {
      process.off('unhandledRejection', note);
      unhear();
    },
  };
}

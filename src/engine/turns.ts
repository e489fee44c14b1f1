/** Runs work for the same name one after another, in the order of the calls. */
export interface Turns {
  take<Result>(name: string, work: () => Promise<Result>): Promise<Result>;
}

export function turns(): Turns {
  const last = new Map<string, Promise<unknown>>();
  return {
    take(name, work) {
      const before = last.get(name) ?? Promise.resolve();
      const result = before.then(work, work);
      last.set(name, result);
      const forget = (): void => {
        if (last.get(name) === result) last.delete(name);
      };
      result.then(forget, forget);
      return result;
    },
  };
}

type Block = Record<string, unknown>;

const CODES: Readonly<Record<string, string>> = {
  ':?R': 'reject',
  ':?E': 'error',
  ':?A': 'accept',
  ':~': 'no-code',
  ':~=': 'no-code',
  ':*': 'other',
  ':I?': 'wrong-control-id',
  ':T?': 'wrong-type',
  E: 'failure',
  _: 'none',
};

const ACTIONS: Readonly<Record<string, string>> = {
  C: 'complete',
  W: 'warn',
  R: 'retry',
  S: 'suspend',
  D: 'stop',
  F: 'fail',
};

/** ReplyCodeActions, `:?R=RF,:?E=S`; undefined where an entry has no counterpart. */
export function repliesOf(given: string): Block | undefined {
  const made: Block = {};
  for (const [, codes = '', actions = ''] of given.matchAll(
    /\s*(\([^)]*\)|[^=,]+(?:=(?=,))?)=([A-Z]+)\s*(?:,|$)/g,
  )) {
    for (const code of codes
      .replaceAll(/[()]/g, '')
      .split(',')
      .map((one) => one.trim())) {
      const key =
        CODES[code] ??
        (/^[A-Z]{2}$/.test(code) ? code : /^E\*(.+)$/.exec(code)?.[1]?.replace(/^/, 'failure~'));
      const does = Array.from(actions, (one) => ACTIONS[one]);
      if (key === undefined || does.includes(undefined)) return undefined;
      made[key] = does.length === 1 ? does[0] : does;
    }
  }
  return Object.keys(made).length === 0 ? undefined : made;
}

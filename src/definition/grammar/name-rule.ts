const NAME = /^[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?$/;

/**
 * Names of productions and hosts are parts of NATS subjects and stream names, where `_` separates
 * and `.`, `*` and `>` have a meaning.
 */
export const HOST_NAME = {
  pattern: NAME.source,
  problem(name: string): string | undefined {
    if (NAME.test(name)) return undefined;
    const better = name.replace(/[^A-Za-z0-9]+/g, '-').replace(/^-|-$/g, '');
    const example = NAME.test(better) ? `, such as ${better}` : '';
    return `the name may have up to 63 letters, digits and inner hyphens${example}`;
  },
};

const ENTRY = /^[A-Za-z0-9](?:[\w.-]*\w)?$/;

/** Names of transforms, lookups, credentials and search fields stay inside the production. */
export const ENTRY_NAME = {
  pattern: ENTRY.source,
  problem: (name: string): string | undefined =>
    ENTRY.test(name) ? undefined : 'the name may have letters, digits, hyphens, _ and inner dots',
};

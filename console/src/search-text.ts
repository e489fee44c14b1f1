/**
 * Search parameters as people write and paste them: `?status=error,suspended&last=1h`. TanStack's own form is
 * JSON with quotes around what looks like a number, which nobody can read out on the phone.
 */
export type SearchText = Readonly<Record<string, string | undefined>>;

export function parseSearch(text: string): SearchText {
  return Object.fromEntries(new URLSearchParams(text));
}

export function stringifySearch(search: Readonly<Record<string, unknown>>): string {
  const parameters = new URLSearchParams();
  for (const [key, value] of Object.entries(search)) {
    if (value !== undefined && value !== '' && value !== false)
      parameters.set(key, value as string);
  }
  // a colon and a comma may stand in a query as they are
  const text = parameters.toString().replaceAll('%3A', ':').replaceAll('%2C', ',');
  return text === '' ? '' : `?${text}`;
}

/** The parameters of these names that are texts; what else the address has is dropped. */
export function texts<const Name extends string>(...names: readonly Name[]) {
  return (
    search: Readonly<Record<string, unknown>>,
  ): { readonly [N in Name]?: string | undefined } => {
    const found: Partial<Record<Name, string>> = {};
    for (const name of names) {
      const value = search[name];
      if (typeof value === 'string' && value !== '') found[name] = value;
    }
    return found;
  };
}

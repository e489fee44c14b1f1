import { textsIn } from './check/texts-in.ts';
import type { Definition } from './definition.ts';
import type { Problem } from './problem.ts';

/** Of the problems those with the credentials that a host uses, directly or through another. */
export function problemsOfHost(
  { services, operations, credentials }: Definition,
  host: string,
  problems: readonly Problem[],
): Problem[] {
  const { settings = {} } = services.get(host) ?? operations.get(host) ?? {};
  const used = new Set<string>();
  const use = (value: unknown): void => {
    for (const text of textsIn(value)) {
      const entry = used.has(text) ? undefined : credentials.get(text);
      if (entry === undefined) continue;
      used.add(text);
      use(entry.values);
    }
  };
  use(settings);
  return problems.filter(({ path, severity }) => {
    const [section, name = ''] = path.split('.');
    return severity === 'error' && section === 'credentials' && used.has(name);
  });
}

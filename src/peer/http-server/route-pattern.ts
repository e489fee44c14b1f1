import * as setting from '../../adapter/setting.ts';

/** A path with placeholders for parameters: `/patients/{id}/results`, or `/files/*` for all below and itself. */
export interface RoutePattern {
  readonly source: string;
  /** The same for all patterns that match the same paths: without parameter names. */
  readonly shape: string;
  /** The decoded parameters of a matching path; undefined for any other. */
  match(path: string): Readonly<Record<string, string>> | undefined;
  /** Ranks how specific a pattern is: literal before parameter before `*`. */
  readonly rank: string;
}

/** A pattern, or its fault. */
export function routePatternOf(source: string): RoutePattern | string {
  if (!source.startsWith('/')) return 'must begin with /';
  const segments = source.slice(1).split('/');
  const names: string[] = [];
  const parts: string[] = [];
  for (const [at, segment] of segments.entries()) {
    const [, name] = /^\{([A-Za-z_][\w-]*)\}$/.exec(segment) ?? [];
    const isLast = at === segments.length - 1;
    if (segment === '*') {
      if (!isLast) return 'may have * only at its end';
      names.push('*');
      parts.push('(.*)');
    } else if (name !== undefined) {
      names.push(name);
      parts.push('([^/]+)');
    } else if (/[{}*]/.test(segment)) {
      return 'may have a parameter only as a whole segment, such as /patients/{id}';
    } else {
      parts.push(segment.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'));
    }
  }
  // what is below a path is also asked for without the slash after it
  const regular = new RegExp(
    `^/${parts.join('/')}$`.replace(/(?<!\^)\/\(\.\*\)\$$/, '(?:/(.*))?$'),
  );
  return {
    source,
    shape: source.replaceAll(/\{[^}]*\}/g, '{}'),
    rank: segments.map((one) => (one === '*' ? '2' : one.startsWith('{') ? '1' : '0')).join(''),
    match(path: string) {
      const found = regular.exec(path);
      if (found === null) return undefined;
      const parameters: Record<string, string> = {};
      let at = 1;
      for (const name of names) {
        const value = decoded(found[at++] ?? '');
        if (value === undefined) return undefined;
        parameters[name] = value;
      }
      return parameters;
    },
  };
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    // URIError: a stray %
    return undefined;
  }
}

export const routePattern: setting.Setting<RoutePattern, string> = {
  kind: 'text',
  help: "The path that this service answers: literal, with parameters, or with /* at its end for itself and all below. With openapi, the prefix of the document's paths.",
  example: '/patients/{id}/results',
  read: (given) => {
    const pattern = typeof given === 'string' ? routePatternOf(given) : 'must be a path';
    return typeof pattern === 'string' ? setting.bad(pattern) : setting.good(pattern);
  },
};

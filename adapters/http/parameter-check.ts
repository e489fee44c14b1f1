import type { BodyCheck } from './body-check.ts';
import { cookieOf, type Incoming } from './incoming.ts';
import type { BodyProblems, Operation } from './operation.ts';

type Node = Readonly<Record<string, unknown>>;

interface Parameter {
  readonly name: string;
  readonly place: string;
  readonly required: boolean;
  readonly type: unknown;
  readonly check: BodyCheck | undefined;
}

/** The check of the parameters that a document declares: that they are there, and each against its schema. */
export function parameterCheck(
  declared: readonly Node[],
  compile: (schema: Node) => BodyCheck,
): Operation['parameters'] {
  const parameters = declared.map(({ name, in: place, required, schema }): Parameter => {
    const known = typeof schema === 'object' && schema !== null ? (schema as Node) : undefined;
    return {
      name: String(name),
      place: String(place),
      required: required === true,
      type: known?.['type'],
      // A list may be written in several ways, so only single values are looked at.
      check: known === undefined || known['type'] === 'array' ? undefined : compile(known),
    };
  });
  return (incoming) => parameters.flatMap((parameter) => problemsOf(parameter, incoming));
}

function problemsOf(parameter: Parameter, incoming: Incoming): BodyProblems {
  const at = `${parameter.place} ${parameter.name}`;
  const value = valueOf(parameter, incoming);
  if (value === undefined) return parameter.required ? [{ at, problem: 'is required' }] : [];
  return (parameter.check?.(typed(value, parameter.type)) ?? []).map(({ problem }) => ({
    at,
    problem,
  }));
}

function valueOf({ name, place }: Parameter, incoming: Incoming): string | undefined {
  if (place === 'path') return incoming.parameters[name];
  if (place === 'query') return incoming.query.get(name) ?? undefined;
  if (place === 'cookie') return cookieOf(incoming.headers, name);
  return incoming.headers[name.toLowerCase()]?.toString();
}

function typed(value: string, type: unknown): unknown {
  if ((type === 'integer' || type === 'number') && /^-?\d+(\.\d+)?$/.test(value)) {
    return Number(value);
  }
  if (type === 'boolean' && /^(true|false)$/.test(value)) return value === 'true';
  return value;
}

import { cookieOf, type Incoming } from '../incoming.ts';
import type { BodyCheck, BodyProblems, Operation } from '../operation.ts';
import { type DocumentNode, object } from './read-document.ts';

interface Parameter {
  readonly name: string;
  readonly place: string;
  readonly required: boolean;
  readonly types: readonly unknown[];
  readonly check: BodyCheck | undefined;
}

/** The check of the parameters that a document declares: that they are there, and each against its schema. */
export function parameterCheck(
  declared: readonly { readonly node: DocumentNode; readonly keys: readonly string[] }[],
  compile: (schema: DocumentNode, keys: readonly string[]) => BodyCheck,
): Operation['parameters'] {
  const parameters = declared.map(({ node, keys }): Parameter => {
    const { name, in: place, required, schema } = node as Readonly<Record<Fields, unknown>>;
    const known = schema === undefined ? undefined : object(schema);
    const types = [known?.['type']].flat();
    return {
      name: String(name),
      place: String(place),
      required: required === true,
      types,
      // A list may be written in several ways, so only single values are looked at.
      check: known === undefined || types.includes('array') ? undefined : compile(known, keys),
    };
  });
  return (incoming) => parameters.flatMap((parameter) => problemsOf(parameter, incoming));
}

type Fields = 'name' | 'in' | 'required' | 'schema';

function problemsOf(parameter: Parameter, incoming: Incoming): BodyProblems {
  const at = `${parameter.place} ${parameter.name}`;
  const value = valueOf(parameter, incoming);
  if (value === undefined) return parameter.required ? [{ at, problem: 'is required' }] : [];
  return (parameter.check?.(typed(value, parameter.types)) ?? []).map(({ problem }) => ({
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

function typed(value: string, types: readonly unknown[]): unknown {
  if ((types.includes('integer') || types.includes('number')) && /^-?\d+(\.\d+)?$/.test(value)) {
    return Number(value);
  }
  if (types.includes('boolean') && /^(true|false)$/.test(value)) return value === 'true';
  return value;
}

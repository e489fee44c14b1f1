import { readFile } from 'node:fs/promises';
import { Compile } from 'typebox/schema';
import { DisableError } from 'waybill/adapter';
import { parse } from 'yaml';
import type { BodyProblems } from './operation.ts';

/** Finds what is wrong with a JSON value: at most twenty places, without a word of the value itself. */
export type BodyCheck = (value: unknown) => BodyProblems;

const MOST = 20;

/** Compiles a JSON Schema. `root` is what references in it count from, where that is not the schema itself. */
export function bodyCheck(schema: object, root: Readonly<Record<string, unknown>> = {}): BodyCheck {
  const whole = Object.keys(root).length === 0 ? schema : { ...root, allOf: [schema] };
  const validator = Compile(whole as Parameters<typeof Compile>[0]);
  return (value) => {
    if (validator.Check(value)) return [];
    const [, errors] = validator.Errors(value);
    return errors
      .filter(({ keyword }) => keyword !== 'boolean')
      .slice(0, MOST)
      .map(({ instancePath, message }) => ({ at: instancePath || '/', problem: message }));
  };
}

/** Reads a YAML or JSON file that holds an object. Throws a DisableError that names `setting` and the place of the fault. */
export async function readDocument(
  path: string,
  setting: string,
): Promise<Readonly<Record<string, unknown>>> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new DisableError(
      `${setting}: the file ${path} cannot be read (${error.code ?? error.name}). Put it there or correct the path.`,
    );
  });
  let value: unknown;
  try {
    value = parse(text);
  } catch (error) {
    const { linePos } = error as { linePos?: readonly { line: number; col: number }[] };
    const at = linePos?.[0] === undefined ? '' : `:${linePos[0].line}:${linePos[0].col}`;
    throw new DisableError(`${setting}: ${path}${at} is neither YAML nor JSON. Correct the file.`);
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    return value as Record<string, unknown>;
  }
  throw new DisableError(`${setting}: ${path} holds no object. Correct the file.`);
}

/** Compiles what was read, or says which file is no schema. */
export function compiled(make: () => BodyCheck, setting: string, where: string): BodyCheck {
  try {
    return make();
  } catch {
    throw new DisableError(
      `${setting}: ${where} is not a JSON Schema that can be used. Correct it.`,
    );
  }
}

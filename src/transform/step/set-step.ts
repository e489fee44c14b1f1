import type { Document } from '../../document/document.ts';
import type { Given } from '../../expression/given.ts';
import { jsonPlace } from '../json-place.ts';
import type { Step } from '../work.ts';
import {
  checkListPaths,
  readPlace,
  readValue,
  type StepContext,
  type StepKind,
} from './step-reader.ts';

/**
 * `{ set: PV1-3.1, to: EXPRESSION }` or `{ set: MSH-3, value: WAYBILL }`: writes a value. A
 * transform whose type is JSON writes numbers and booleans as such.
 */
export const setStep: StepKind = {
  keys: ['set', 'to', 'value'],
  help: 'Writes a value: of an expression (to), or a literal text (value).',
  read(given, context) {
    const place = readPlace(given.at('set'), context);
    const write = readWrite(given, context);
    return place === undefined || write === undefined
      ? undefined
      : (work) => write(work, place(work));
  },
};

type Write = (work: Parameters<Step['run']>[0], path: string) => void;

function readWrite(given: Given, context: StepContext): Write | undefined {
  const { kind } = context;
  const [to, literal] = [given.at('to'), given.at('value')];
  checkListPaths(to, to.value, context);
  if (to.isAbsent === literal.isAbsent) {
    given.wrong('set needs either to: with an expression, or value: with a literal text.');
    return undefined;
  }
  if (!literal.isAbsent || typeof to.value === 'number') {
    const { value } = literal.isAbsent ? to : literal;
    if (typeof value === 'object')
      literal.wrong('value must be a text, a number, or true or false.');
    const plain = typeof value === 'number' || typeof value === 'boolean' ? value : String(value);
    return ({ target }, path) => setPlain(target, path, plain);
  }
  if (kind === 'json' && typeof to.value === 'string') {
    const expression = to.expression('to', 'plain');
    return (
      expression &&
      (({ target, scope }, path) => setPlain(target, path, expression.evaluate(scope)))
    );
  }
  const value = readValue(to, 'to');
  return value && (({ target, scope }, path) => target.set(path, value(scope)));
}

function setPlain(target: Document, path: string, value: string | number | bigint | boolean): void {
  const json = typeof value === 'string' ? undefined : jsonPlace(target, path);
  if (json !== undefined && typeof value !== 'string') json.document.setTyped(json.path, value);
  else target.set(path, String(value));
}

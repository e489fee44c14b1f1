import { Buffer } from 'node:buffer';
import { inTurns } from '../../document/in-turns.ts';
import { readingRecords } from '../../document/records/read-records.ts';
import type { RecordMap } from '../../document/records/record-map.ts';
import { writeRecords } from '../../document/records/write-records.ts';
import { describeError, EngineError } from '../../error/engine-error.ts';
import type { Transform, TransformInput, TransformOutput } from '../transform.ts';

const JSON_TYPE = 'application/json';

/**
 * The transforms that a record map named `patients` provides to rules: `patients.read`,
 * `patients.write` and `patients.bad`.
 */
export const RECORD_TRANSFORMS = ['read', 'write', 'bad'] as const;

export function recordTransforms(name: string, map: RecordMap): readonly Transform[] {
  const make = (
    what: (typeof RECORD_TRANSFORMS)[number],
    work: (input: TransformInput) => Promise<TransformOutput[]>,
  ): Transform => {
    const own = `${name}.${what}`;
    return {
      name: own,
      keepsDocument: true,
      async apply(input) {
        try {
          return await work(input);
        } catch (error) {
          const { text } = describeError(error);
          throw new EngineError('TRANSFORM_FAILED', `Transform ${own}: ${text}`, { cause: error });
        }
      },
    };
  };
  return [
    make('read', async (input) => [asJson(input, (await recordsOf(input, map)).values)]),
    make('bad', async (input) => {
      const { bad } = await recordsOf(input, map);
      return bad.length === 0 ? [] : [asJson(input, { bad })];
    }),
    make('write', async ({ document, message }) => {
      if (document.kind !== 'json') {
        throw new EngineError(
          'TRANSFORM_FAILED',
          `it writes JSON as records, and this is ${document.kind}`,
        );
      }
      const type =
        map.delimiter === undefined
          ? 'text/plain'
          : `text/csv; header=${map.names ? 'present' : 'absent'}; delimiter="${map.delimiter}"`;
      const charset = map.charset || 'utf-8';
      return [{ body: writeRecords(document, map), type, charset, name: message.name }];
    }),
  ];
}

const recordsOf = ({ document, message }: TransformInput, map: RecordMap) =>
  inTurns(readingRecords(document.bytes(), map, message.charset));

function asJson({ message }: TransformInput, value: unknown): TransformOutput {
  const body = Buffer.from(JSON.stringify(value));
  return { body, type: JSON_TYPE, charset: 'utf-8', name: message.name };
}

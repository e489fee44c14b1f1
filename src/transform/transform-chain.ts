import { documentOf } from '../document/document-of.ts';
import type { Transform, TransformInput, TransformOutput } from './transform.ts';

/** Several transforms applied one after the other, each to every message that the previous one made. */
export function transformChain(transforms: readonly Transform[]): Transform {
  const [first, ...others] = transforms.map(keepingDocument);
  if (first !== undefined && others.length === 0) return first;
  return {
    name: transforms.map(({ name }) => name).join(', '),
    keepsDocument: true,
    async apply(input) {
      let outputs = first === undefined ? [] : await first.apply(input);
      for (const transform of others) {
        const made: TransformOutput[] = [];
        for (const output of outputs) {
          const { part, parts, content, notes = [] } = output;
          const later = await transform.apply(next(input, output));
          const kept = { ...(part !== undefined && { part, parts, content }) };
          made.push(
            ...later.map((one) => {
              const all = [...notes, ...(one.notes ?? [])];
              const both = content && one.content && contentOf(content, one.content);
              const told = {
                ...(all.length > 0 && { notes: all }),
                ...(both && { content: both }),
              };
              return { ...kept, ...one, ...told };
            }),
          );
        }
        outputs = made;
      }
      return outputs;
    },
  };
}

/** A part of a part: the same may be in another one. */
const contentOf =
  (outer: () => string, inner: () => string): (() => string) =>
  () =>
    `${outer()}\0${inner()}`;

function keepingDocument(transform: Transform): Transform {
  if (transform.keepsDocument === true) return transform;
  return {
    name: transform.name,
    keepsDocument: true,
    apply: (input) => transform.apply({ ...input, document: input.document.copy() }),
  };
}

function next(input: TransformInput, output: TransformOutput): TransformInput {
  const { body, type, charset = input.message.charset, name = input.message.name } = output;
  const { part = input.message.part, parts = input.message.parts } = output;
  const message = { ...input.message, type, charset, name, part, parts, size: body.byteLength };
  return { ...input, message, document: documentOf(body, { type, charset }) };
}

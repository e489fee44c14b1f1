import { documentOf } from '../document/document-of.ts';
import type { Transform, TransformInput, TransformOutput } from './transform.ts';

/** Several transforms applied one after the other, each to every message that the one before made. */
export function transformChain(transforms: readonly Transform[]): Transform {
  const [only] = transforms;
  if (only !== undefined && transforms.length === 1) return only;
  return {
    name: transforms.map(({ name }) => name).join(', '),
    apply: (input) => applyChain(transforms, input),
  };
}

async function applyChain(
  transforms: readonly Transform[],
  input: TransformInput,
): Promise<TransformOutput[]> {
  let outputs: TransformOutput[] = [];
  for (const [index, transform] of transforms.entries()) {
    const inputs = index === 0 ? [input] : outputs.map((output) => nextInput(input, output));
    outputs = [];
    for (const one of inputs) outputs.push(...(await transform.apply(one)));
  }
  return outputs;
}

function nextInput(
  input: TransformInput,
  { body, type, charset, name }: TransformOutput,
): TransformInput {
  const message = { ...input.message, type, charset, name, size: body.byteLength };
  return { ...input, message, document: documentOf(body, { type, charset }) };
}

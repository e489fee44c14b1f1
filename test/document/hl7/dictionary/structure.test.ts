import { expect, test } from 'vitest';
import {
  type StructureNode,
  structureNodes,
} from '../../../../src/document/hl7/dictionary/structure.ts';

function drawn(nodes: readonly StructureNode[]): string {
  return nodes
    .map(({ kind, name, required, repeats, children }) => {
      const inner =
        kind === 'segment'
          ? name
          : kind === 'group'
            ? `${name}(${drawn(children)})`
            : `<${children.map((child) => child.name).join('|')}>`;
      const repeated = repeats ? `{${inner}}` : inner;
      return required ? repeated : `[${repeated}]`;
    })
    .join(' ');
}

test.for([
  'MSH [{SFT}] PID',
  'MSH [PATIENT(PID [{NTE}])] {ORDER(ORC [<OBR|RQD>] [{OBSERVATION(OBX [{NTE}])}])} [DSC]',
  'MSH {<AIS|AIG>}',
])('%s is read as it is written', (text) => {
  expect(drawn(structureNodes(text))).toBe(text);
});

import type { Given } from '../expression/given.ts';
import type { Send } from './rule.ts';

/** Reads `ward`, `{ to: [ward, lab], transform: [a, b], when: … }`, or a list of these. */
export function readSends(given: Given, needed?: string): Send[] {
  if (needed !== undefined && given.isAbsent) given.wrong(`${needed} needs a target.`);
  return given.items().flatMap(readSend);
}

function readSend(given: Given): Send[] {
  if (typeof given.value === 'string') {
    const to = given.name('target', 'A target');
    return to === undefined ? [] : [{ to, transforms: [] }];
  }
  if (!given.block('A send', ['to', 'transform', 'when', 'comment'])) return [];
  const to = given.at('to');
  if (to.items().length === 0) given.wrong('A send needs to: the name of a process or operation.');
  const when = given.at('when').condition();
  const transforms = given
    .at('transform')
    .items()
    .flatMap((one) => one.name('transform', 'transform') ?? []);
  return to
    .items()
    .flatMap((one) => one.name('target', 'to') ?? [])
    .map((target) => ({ to: target, transforms, when }));
}

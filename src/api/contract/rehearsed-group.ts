import { Id, list, maybe, word } from '../../web/schema.ts';
import { Type } from '../../web/type.ts';

/** A place in the files that affected the result. */
export const DecidingPlace = Type.Object({
  what: word('rule', 'transform', 'lookup'),
  name: Type.String(),
  file: Type.String({ description: "Below the production's folder." }),
  line: Type.Integer(),
  to: list(Type.String({ description: 'The targets it leads to.' })),
});

/** Messages that would become alike. */
export const RehearsedGroup = Type.Object({
  kind: word('goes', 'nowhere', 'fails', 'untried'),
  to: list(Type.String({ description: 'The targets it would be sent to.' })),
  own: maybe(word('changed', 'same', 'nothing')),
  whole: maybe(word('same', 'changed', 'elsewhere')),
  went: maybe(list(Type.String({ description: 'With `whole`: the targets it was sent to then.' }))),
  host: maybe(Type.String({ description: 'The host where it still fails.' })),
  code: maybe(Type.String()),
  cause: maybe(
    Type.String({ description: 'As in a group of failures: without ids, names and numbers.' }),
  ),
  count: Type.Integer(),
  sample: list(Id),
  original: maybe(Id),
  places: list(DecidingPlace),
});

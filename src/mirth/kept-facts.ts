import type { Channel } from './channel-definition.ts';
import type { Facts } from './message-scope.ts';

/** Of what a destination was given, whole bodies that may be large, only a postprocessor sees more than number and name. */
export const keptFacts = ({ postprocessor, global: all }: Channel, facts: Facts): Facts =>
  (postprocessor ?? all?.postprocessor) === undefined
    ? { ...facts, raw: '', transformed: '', encoded: '' }
    : { ...facts };

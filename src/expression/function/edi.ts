import type { Document } from '../../document/document.ts';
import { ediFindings } from '../../document/edi/check/check-edi.ts';
import { isEdiCheckLevel } from '../../document/edi/check/finding.ts';
import { EdiDocument } from '../../document/edi/edi-document.ts';
import { LoopView } from '../../document/edi/loop-view.ts';
import type {
  EdifactProfile,
  FindEdifactProfile,
} from '../../document/edi/profile/edifact-profile.ts';
import { Segment } from '../../document/segment/segment.ts';
import type { Scope } from '../expression.ts';
import { ExpressionFault } from '../fault.ts';
import type { ExpressionFunction } from './expression-function.ts';

/** Functions on an interchange of X12 or EDIFACT. */
export function ediFunctions(
  scope: () => Scope,
  edifact: FindEdifactProfile,
): readonly ExpressionFunction[] {
  return [
    {
      readsBody: true,
      signature: 'ediErrors(string): list<string>',
      help: 'What is wrong with an interchange of X12 or EDIFACT, a sentence each; the check is envelope, syntax or guide: ediErrors("guide").size() == 0.',
      call: (level: string) => errorsOf(scope().document(), level, []),
    },
    {
      readsBody: true,
      signature: 'ediErrors(string, string): list<string>',
      help: 'The same, with EDIFACT messages checked by a profile of the production as well: ediErrors("guide", "lab").size() == 0.',
      call: (level: string, profile: string) =>
        errorsOf(scope().document(), level, [profileNamed(profile, edifact)]),
    },
  ];
}

function profileNamed(name: string, edifact: FindEdifactProfile): EdifactProfile {
  const found = edifact(name);
  if (typeof found === 'object') return found;
  throw new ExpressionFault(found?.replace(/\.$/, '') ?? `the profile ${name} could not be read`);
}

/** In a loop, of the whole interchange. */
function errorsOf(
  document: Document,
  level: string,
  profiles: readonly EdifactProfile[],
): string[] {
  const whole =
    document instanceof Segment || document instanceof LoopView ? document.message : document;
  if (!(whole instanceof EdiDocument)) {
    throw new ExpressionFault(`ediErrors() was used on a message whose body is ${document.kind}`);
  }
  if (!isEdiCheckLevel(level)) {
    throw new ExpressionFault('ediErrors() takes envelope, syntax or guide');
  }
  return ediFindings(whole, level, profiles).map(({ text }) => text);
}

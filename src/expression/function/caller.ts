import { callerOf, claimTexts } from '../../message/caller.ts';
import type { Scope } from '../expression.ts';
import type { ExpressionFunction } from './expression-function.ts';

/** Functions for the claims of who sent a message. They read its envelope and not its body. */
export function callerFunctions(scope: () => Scope): readonly ExpressionFunction[] {
  const texts = (path: string): string[] =>
    claimTexts(callerOf(scope().message)?.claims ?? {}, path);
  return [
    {
      signature: 'claim(string): string',
      help: 'A claim of the caller who sent the message, with dots between levels, "" where there is none: claim("ward"). In a statement: WHERE ward = {claim("ward")}.',
      call: (path: string) => texts(path)[0] ?? '',
    },
    {
      signature: 'claims(string): list<string>',
      help: 'Every value of a claim that is a list: "doctor" in claims("realm_access.roles").',
      call: (path: string) => texts(path),
    },
  ];
}

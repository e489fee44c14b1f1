import { callerFunctions } from './function/caller.ts';
import { ediFunctions } from './function/edi.ts';
import { type ExpressionFunction, TIMESTAMP } from './function/expression-function.ts';
import { fhirFunctions } from './function/fhir.ts';
import { jwtFunctions } from './function/jwt.ts';
import { lookupFunctions, messageFunctions } from './function/message.ts';
import { numberFunctions } from './function/number.ts';
import { textFunctions } from './function/text.ts';
import { timeFunctions } from './function/time.ts';
import { type ExpressionVariable, expressionVariables } from './variable.ts';

export interface FunctionGroup {
  readonly title: string;
  readonly functions: readonly ExpressionFunction[];
}

const NO_MESSAGE = (): never => {
  throw new Error('nothing is evaluated here');
};

/** What expressions may use, as documentation; it cannot be evaluated. */
export const expressionReference: {
  readonly variables: readonly ExpressionVariable[];
  readonly groups: readonly FunctionGroup[];
} = {
  variables: expressionVariables,
  groups: [
    {
      title: 'The message and code tables',
      functions: [
        ...messageFunctions(NO_MESSAGE),
        ...ediFunctions(NO_MESSAGE, () => undefined),
        ...fhirFunctions(NO_MESSAGE),
        ...callerFunctions(NO_MESSAGE),
        ...lookupFunctions({ names: [], lookup: () => '' }),
      ],
    },
    { title: 'JSON Web Tokens', functions: jwtFunctions(NO_MESSAGE) },
    { title: 'Texts', functions: textFunctions },
    { title: 'Numbers', functions: numberFunctions },
    { title: 'Dates and times', functions: timeFunctions(Date.now, undefined) },
  ],
};

/** A type or signature in short words: `timestamp` instead of the name that CEL gives it. */
export const plainType = (text: string): string => text.replaceAll(TIMESTAMP, 'timestamp');

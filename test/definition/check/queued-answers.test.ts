import { expect, test } from 'vitest';
import fhirSubscriptionsOut from '../../../adapters/fhir/fhir-subscriptions-out.ts';
import { type Checking, warnOfQueuedAnswers } from '../../../src/definition/check/reach.ts';
import { problemList } from '../../../src/definition/problem.ts';
import { definition, operationDefinition, processDefinition } from '../../support/definition.ts';

test.for<[run: 'inline' | 'queued', warnings: readonly unknown[]]>([
  ['inline', []],
  ['queued', [expect.stringContaining('notices has a queue of its own')]],
])('what splits notifications in a process that is %s', ([run, warnings]) => {
  const problems = problemList();
  const parts = definition({
    services: [],
    processes: [processDefinition('notices', { run })],
    operations: [operationDefinition('kept', fhirSubscriptionsOut, { answersTo: ['notices'] })],
  });
  warnOfQueuedAnswers({ definition: parts, problems } as unknown as Checking);
  expect(problems.list().map(({ what }) => what)).toEqual(warnings);
});

import type { NamedJwtKeys } from '../credential/jwt/token-keys.ts';
import type { EdifactProfile } from '../document/edi/profile/edifact-profile.ts';
import { resourceOf } from '../document/fhir/read-resource.ts';
import { findingFhir, inTurns } from '../document/index.ts';
import { EngineError } from '../error/engine-error.ts';
import { expressionEnvironment } from '../expression/environment.ts';
import type { Expression } from '../expression/expression.ts';
import { collector, type PartStore } from '../flow/collect.ts';
import { type DurableOptions, durableProcess } from '../flow/durable-process.ts';
import type { Storing } from '../flow/enqueue.ts';
import { inlineProcess } from '../flow/inline-process.ts';
import { type Mail, type MailOptions, mail } from '../flow/mail.ts';
import type { ProcessCode, ProcessContext } from '../flow/process-code.ts';
import { router } from '../flow/router.ts';
import { watchedProcess } from '../flow/watched-process.ts';
import type { Process } from '../flow/wiring.ts';
import type { WorkMarks } from '../flow/work-marks.ts';
import { decide } from '../rule/decide.ts';
import { profileProblem } from '../rule/profile/profile.ts';
import { rulesNeedTokens, rulesReadBody } from '../rule/rules-read-body.ts';
import type { Definition, ProcessDefinition } from './definition.ts';
import type { CollectGiven } from './grammar/host-settings.ts';
import { loadModule } from './load-module.ts';

/** What a process is given where it runs: in an engine, or in a production test. */
export interface ProcessRuntime {
  readonly now: () => number;
  readonly log: (process: string, text: string) => void;
  /** The production's keys for tokens. */
  readonly jwt: NamedJwtKeys;
  /** What makes a queued code process durable; without it every code process runs inline (production tests). */
  readonly durable?:
    | (Pick<DurableOptions, keyof Storing | 'steps' | 'keyed' | 'answers' | 'routing'> &
        Pick<MailOptions, 'waiting'>)
    | undefined;
  /** Where the messages wait that a process collects. */
  readonly parts: (process: string) => PartStore;
  /** Tells the watchdog what is being worked on; absent in a production test. */
  readonly marks?: WorkMarks | undefined;
  /** Answers calls in a production test. */
  readonly call?: ProcessContext['call'];
  /** Waits in a production test, where no time passes. */
  readonly sleep?: ProcessContext['sleep'];
  /** Waits for another message in a production test. */
  readonly receive?: ProcessContext['receive'];
  /** Shared state in a production test. */
  readonly state?: ProcessContext['state'];
}

/** The process of that name: a router, or the code of a module. */
export function processOf(definition: Definition, name: string, runtime: ProcessRuntime): Process {
  const of = definition.processes.get(name);
  if (of === undefined) throw new EngineError('HOST_UNKNOWN', `there is no process ${name}`);
  const made = madeOf(definition, of, runtime);
  return runtime.marks === undefined ? made : watchedProcess(name, made, runtime.marks);
}

function madeOf(definition: Definition, of: ProcessDefinition, runtime: ProcessRuntime): Process {
  if (of.collect !== undefined) return collectorOf(of, of.collect, runtime);
  return of.code === undefined
    ? routerOf(definition, of, runtime)
    : codeOf(definition, of, runtime);
}

function collectorOf(
  { name, to = [] }: ProcessDefinition,
  { key, end, ...collect }: CollectGiven,
  { now, parts }: ProcessRuntime,
): Process {
  return collector({ ...collect, key, end, name, to, now, store: parts(name) });
}

function routerOf(
  definition: Definition,
  of: ProcessDefinition,
  { now, jwt }: ProcessRuntime,
): Process {
  return router({
    readsBody: of.validate !== 'none' || of.profile !== undefined || rulesReadBody(of.rules),
    decide: (scope) => decide(of.rules, scope, now),
    validate: validatorOf(definition, of),
    invalid: of.invalid,
    transform(transform) {
      const found = definition.transforms.get(transform);
      if (found !== undefined) return found;
      throw new EngineError('TRANSFORM_FAILED', `there is no transform ${transform}`);
    },
    lookup: (table, key, otherwise) => definition.lookups.lookup(table, key, otherwise),
    now,
    jwt,
    needsTokens: rulesNeedTokens(of.rules),
  });
}

function validatorOf(
  { profiles }: Definition,
  { validate: level, fhirVersion, profile: names = [] }: ProcessDefinition,
): Parameters<typeof router>[0]['validate'] {
  if (level === 'none' && names.length === 0) return undefined;
  const demanded = names.flatMap((name) => profiles.get(name) ?? []);
  return (scope) => {
    const resource = resourceOf(scope.document());
    if (resource === undefined) return profileProblem(demanded, scope, level);
    return level === 'none' ? undefined : fhirProblem(resource, { level, version: fhirVersion });
  };
}

/** A large Bundle takes its time: other work gets its turn meanwhile. */
async function fhirProblem(
  resource: unknown,
  checking: Parameters<typeof findingFhir>[1],
): Promise<string | undefined> {
  const findings = await inTurns(findingFhir(resource, checking));
  const found = findings.find(({ severity }) => severity === 'error');
  return found && `${found.path} ${found.text}.`;
}

function codeOf(definition: Definition, of: ProcessDefinition, runtime: ProcessRuntime): Process {
  const { name, code: file = '' } = of;
  let loaded: Promise<ProcessCode> | undefined;
  const shared = {
    name,
    code: () => (loaded ??= loadCode(file, name)),
    lookup: (table: string, key: string, otherwise?: string) =>
      definition.lookups.lookup(table, key, otherwise),
    log: (text: string) => runtime.log(name, text),
    jwt: runtime.jwt,
  };
  if (of.run === 'inline' || runtime.durable === undefined) {
    return inlineProcess({
      ...shared,
      now: runtime.now,
      ...(runtime.call === undefined ? {} : { call: runtime.call }),
      ...(runtime.sleep === undefined ? {} : { sleep: runtime.sleep }),
      ...(runtime.receive === undefined ? {} : { receive: runtime.receive }),
      ...(runtime.state === undefined ? {} : { state: runtime.state }),
    });
  }
  return durableProcess({
    ...shared,
    ...runtime.durable,
    mail: mailOf(definition, of, runtime.durable),
  });
}

function mailOf(
  definition: Definition,
  { name, receives }: ProcessDefinition,
  durable: NonNullable<ProcessRuntime['durable']>,
): Mail | undefined {
  if (receives?.key === undefined) return undefined;
  const receiving = { key: receives.key, keep: receives.keep };
  return mail({ ...durable, name, receiving, compile: conditionsOf(definition, name) });
}

/** Compiles what `when` of context.receive says. Throws PROCESS_FAILED. */
export function conditionsOf(
  { lookups, profiles }: Definition,
  name: string,
): (when: string) => Expression<boolean> {
  const edifact = (profile: string): EdifactProfile | string =>
    profiles.get(profile)?.edifact ?? `there is no profile ${profile} of EDIFACT`;
  const language = expressionEnvironment({ lookups, edifact });
  return (when) => {
    const compiled = language.compile(when, { result: 'bool' });
    if (compiled.ok) return compiled.expression;
    const why = compiled.problems.map(({ text }) => text).join(' ');
    throw new EngineError('PROCESS_FAILED', `when of context.receive in ${name}: ${why}`);
  };
}

async function loadCode(file: string, name: string): Promise<ProcessCode> {
  const loaded = await loadModule(file);
  if ('exported' in loaded && typeof loaded.exported === 'function') {
    return loaded.exported as ProcessCode;
  }
  const why = 'fault' in loaded ? loaded.fault.what : 'its default export is not a function';
  throw new EngineError('PROCESS_FAILED', `the code of ${name} cannot be used: ${why}`);
}

import { describeTraceApply } from './trace-store/apply.contract.ts';
import { describeTraceBranches } from './trace-store/branch.contract.ts';
import { describeTraceLists } from './trace-store/list.contract.ts';
import type { OpenTraceStore } from './trace-store/opened.ts';
import { describeTraceScope } from './trace-store/scope.contract.ts';
import { describeTraceSearch } from './trace-store/search.contract.ts';
import { describeTraceUpkeep } from './trace-store/upkeep.contract.ts';

/** What every trace store keeps to. */
export function describeTraceStore(name: string, open: OpenTraceStore): void {
  describeTraceApply(name, open);
  describeTraceSearch(name, open);
  describeTraceScope(name, open);
  describeTraceBranches(name, open);
  describeTraceLists(name, open);
  describeTraceUpkeep(name, open);
}

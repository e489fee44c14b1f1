export interface Search {
  /** Where the search begins. */
  readonly estimate: number;
  /** How near the rates that hold and do not hold must come: 1.04 is 4 %. */
  readonly within: number;
  /** Whether a rate holds. */
  readonly holds: (rate: number) => Promise<boolean>;
}

const STEP = 1.3;
/** So many steps up or down find no end: the estimate was nonsense. */
const STEPS = 20;

/** The highest rate that holds, by bisection between one that does and one that does not; 0 if none was found. */
export async function highestRate({ estimate, within, holds }: Search): Promise<number> {
  let low = estimate;
  let high = estimate;
  if (await holds(estimate)) {
    do {
      low = high;
      high *= STEP;
    } while (high < estimate * STEP ** STEPS && (await holds(high)));
  } else {
    do {
      high = low;
      low /= STEP;
      if (low < estimate / STEP ** STEPS) return 0;
    } while (!(await holds(low)));
  }
  while (high / low > within) {
    const middle = Math.sqrt(low * high);
    if (await holds(middle)) low = middle;
    else high = middle;
  }
  return low;
}

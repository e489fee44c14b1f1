export interface Search {
  /** Where the search begins. */
  readonly estimate: number;
  /** How close the sustained and unsustained rates must be: 1.04 means 4 %. */
  readonly within: number;
  /** Whether a rate holds. */
  readonly holds: (rate: number) => Promise<boolean>;
}

const STEP = 1.3;
/** If this many steps up or down find no limit, the estimate was useless. */
const STEPS = 20;

/** The highest sustained rate, by bisection between a sustained and an unsustained one; 0 if none was found. */
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

/**
 * The live figures of a model: six small charts on one time axis.
 */

import { duration, short } from "../core/format.js";
import { SPAN_SECONDS } from "../core/history.js";
import type { Sample } from "../core/rates.js";
import { Chart, type Line } from "./chart.js";

interface ChartsProps {
  readonly samples: readonly Sample[];
  /** Batches that may be in flight at once. */
  readonly limit: number;
}

export function Charts({ samples, limit }: ChartsProps) {
  const last = samples.at(-1);
  const line = (name: string, colour: Line["colour"], value: (sample: Sample) => number | null): Line => ({
    name,
    colour,
    values: samples.map(value),
  });
  const times = samples.map((sample) => sample.atSeconds);
  return (
    <section aria-labelledby="live">
      <h3 id="live" class="eyebrow">
        Live <span class="quiet plainly">rates and percentiles over {SPAN_SECONDS} s</span>
      </h3>
      <div class="charts">
        <Chart
          title="Requests per second"
          times={times}
          lines={[line("requests/s", "accent", (sample) => sample.requestsPerSecond)]}
          format={short}
        />
        <Chart
          title="Latency in the gateway"
          times={times}
          lines={[
            line("p50", "accent", (sample) => sample.p50Seconds),
            line("p99", "second", (sample) => sample.p99Seconds),
          ]}
          format={duration}
        />
        <Chart
          title="Errors per second"
          note={last?.reason ?? ""}
          times={times}
          lines={[line("errors/s", "bad", (sample) => sample.errorsPerSecond)]}
          format={short}
        />
        <Chart
          title="Rows per batch"
          times={times}
          lines={[line("rows", "accent", (sample) => sample.rowsPerBatch)]}
          format={short}
        />
        <Chart
          title="Rows waiting, all models"
          note={last?.oldestAgeSeconds ? `oldest ${duration(last.oldestAgeSeconds)}` : ""}
          times={times}
          lines={[line("rows", "accent", (sample) => sample.queueRows)]}
          format={short}
        />
        <Chart
          title="Batches in flight, all models"
          note={limit > 0 ? `of ${limit}` : ""}
          times={times}
          lines={[line("batches", "accent", (sample) => sample.inFlightBatches)]}
          format={short}
        />
      </div>
    </section>
  );
}

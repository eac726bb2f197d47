//! The metrics of the process: one recorder, rendered when asked.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use switch::Exchange;

/// Renders everything recorded so far.
pub(super) type Render = PrometheusHandle;

/// Histograms are folded this often; without it samples pile up between two scrapes.
const UPKEEP: Duration = Duration::from_secs(5);
/// From a tenth of a millisecond to ten seconds.
const SECONDS: &[f64] =
    &[0.0001, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// Records metrics from now on. Called once, inside the runtime.
///
/// # Errors
/// When a recorder is there already.
pub(super) fn begin() -> anyhow::Result<Render> {
    let handle = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), SECONDS)?
        .install_recorder()
        .context("metrics are recorded already")?;
    let upkeep = handle.clone();
    tokio::spawn(async move {
        let mut ticks = tokio::time::interval(UPKEEP);
        loop {
            ticks.tick().await;
            upkeep.run_upkeep();
        }
    });
    Ok(handle)
}

/// What `GET /metrics` answers: what was recorded, and the totals of the exchange at this moment.
pub(super) fn with_exchange(render: Render, exchange: Exchange) -> api::RenderMetrics {
    Arc::new(move || {
        let counters = exchange.counters();
        let totals = [
            ("crosspoint_calls_active", counters.calls),
            ("crosspoint_registrations_active", counters.registrations),
            ("crosspoint_sip_transactions_active", counters.transactions),
            ("crosspoint_sip_dialogs_active", counters.dialogs),
            ("crosspoint_media_ports_in_use", counters.media_ports),
            ("crosspoint_accounts", counters.accounts),
        ];
        for (name, total) in totals {
            metrics::gauge!(name).set(u32::try_from(total).unwrap_or(u32::MAX));
        }
        render.render()
    })
}

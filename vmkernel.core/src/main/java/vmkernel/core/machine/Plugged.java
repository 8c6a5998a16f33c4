package vmkernel.core.machine;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.LongSupplier;
import java.util.function.Predicate;

/**
 * The services of one kind that are there now, best first: by service.ranking, then the older one. While there is none at all
 * those who look for one wait a moment: a bundle may be just starting, or being updated.
 */
final class Plugged<T> {

    private record Service<T>(T service, int ranking, long id) {}

    private final List<Service<T>> services = new ArrayList<>();
    /** How long to wait while there is none of the kind. */
    private final LongSupplier patienceMillis;

    Plugged(LongSupplier patienceMillis) { this.patienceMillis = patienceMillis; }

    synchronized void add(T service, Map<String, ?> properties) {
        int ranking = properties.get("service.ranking") instanceof Integer number ? number : 0;
        long id = properties.get("service.id") instanceof Long number ? number : services.size();
        services.add(new Service<>(service, ranking, id));
        services.sort((a, b) -> a.ranking != b.ranking ? Integer.compare(b.ranking, a.ranking) : Long.compare(a.id, b.id));
        notifyAll();
    }

    synchronized void remove(T service) { services.removeIf(known -> known.service == service); }

    synchronized boolean has(T service) { return services.stream().anyMatch(known -> known.service == service); }

    synchronized List<T> all() { return services.stream().map(Service::service).toList(); }

    /** The best that fits. Waits while there is none of the kind, but not for one that fits when there are others. */
    synchronized Optional<T> find(Predicate<T> fits) {
        long end = System.nanoTime() + patienceMillis.getAsLong() * 1_000_000;
        try {
            for (long left; services.isEmpty() && (left = end - System.nanoTime()) > 0; ) wait(left / 1_000_000 + 1);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        return services.stream().map(Service::service).filter(fits).findFirst();
    }
}

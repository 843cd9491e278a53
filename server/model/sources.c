/* Which entries stand for their members when it is asked what something was made from. Most only lead to objects, or hold
 * all that might matter, of which a query uses some; these it names itself (cite_object).
 */
#include "model/queries.h"

bool model_members_are_sources(unsigned cell)
{
	static const bool yes[CELL_COUNT] = {
		[CELL_SVC_NS_HOST] = true,         [CELL_SVC_ALIAS] = true,
		[CELL_SVC_NETWORK_GATEWAY] = true, [CELL_NS_DISTRIBUTION] = true,
		[CELL_SLICE_SERVICE] = true,
	};

	return cell < CELL_COUNT && yes[cell];
}

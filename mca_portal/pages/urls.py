"""Which address leads to which page? One line each, grouped by module."""

from allauth.idp.oidc import views as oidc
from django.conf import settings
from django.urls import URLPattern, URLResolver, include, path

from mca_portal.pages import (
    activity,
    agreements,
    applications,
    bulk_import,
    connect,
    customers,
    home,
    new_customer,
    oauth,
    orders,
    profile,
    security,
    staff,
    subscriptions,
    tokens,
)

urlpatterns: list[URLPattern | URLResolver] = [
    # Home
    path("", home.home, name="home"),
    # Customers
    path("customers/", customers.customer_list, name="customers"),
    path("customers/domain-availability/", customers.domain_check, name="domain_check"),
    path("customers/address-fields/", customers.address_fields, name="address_fields"),
    path("customers/export/", customers.customer_export, name="customer_export"),
    path("customers/import/", bulk_import.upload, name="import_upload"),
    path("customers/import/template/", bulk_import.template, name="import_template"),
    path("customers/import/<uuid:draft_id>/", bulk_import.preview, name="import_preview"),
    path("customers/import/<uuid:draft_id>/rows-with-errors/", bulk_import.rows_with_errors, name="import_errors"),
    path("customers/import/<uuid:draft_id>/result/", bulk_import.result, name="import_result"),
    path("customers/<uuid:customer_id>/", customers.customer, name="customer"),
    path("customers/<uuid:customer_id>/edit/", customers.customer_edit, name="customer_edit"),
    # The Microsoft customer agreement
    path("customers/<uuid:customer_id>/agreement/", agreements.agreement, name="agreement"),
    path("customers/<uuid:customer_id>/agreement/<int:acceptance_id>/withdraw/", agreements.agreement_withdraw, name="agreement_withdraw"),
    path("agreement-versions/", agreements.agreement_versions, name="agreement_versions"),
    # New customer
    path("customers/new/", new_customer.begin, name="new_customer"),
    path("customers/new/<uuid:draft_id>/account/", new_customer.account_info, name="new_customer_account"),
    path("customers/new/<uuid:draft_id>/subscriptions/", new_customer.subscriptions, name="new_customer_subscriptions"),
    path("customers/new/<uuid:draft_id>/review/", new_customer.review, name="new_customer_review"),
    path("customers/new/<uuid:draft_id>/done/", new_customer.done, name="new_customer_done"),
    path("customers/new/<uuid:draft_id>/discard/", new_customer.discard, name="new_customer_discard"),
    # Orders
    path("orders/", orders.order_list, name="orders"),
    path("orders/<uuid:order_id>/", orders.order, name="order"),
    path("customers/<uuid:customer_id>/orders/", orders.customer_orders, name="customer_orders"),
    path("customers/<uuid:customer_id>/orders/new/", orders.new_order, name="new_order"),
    path("customers/<uuid:customer_id>/orders/new/<uuid:draft_id>/", orders.new_order_lines, name="new_order_lines"),
    path("customers/<uuid:customer_id>/orders/new/<uuid:draft_id>/agreement/", orders.new_order_agreement, name="new_order_agreement"),
    path("customers/<uuid:customer_id>/orders/new/<uuid:draft_id>/review/", orders.new_order_review, name="new_order_review"),
    # Subscriptions
    path("customers/<uuid:customer_id>/subscriptions/", subscriptions.subscription_list, name="subscriptions"),
    path("customers/<uuid:customer_id>/subscriptions/<uuid:subscription_id>/", subscriptions.subscription, name="subscription"),
    path(
        "customers/<uuid:customer_id>/subscriptions/<uuid:subscription_id>/agreement/",
        subscriptions.license_agreement,
        name="license_agreement",
    ),
    path(
        "customers/<uuid:customer_id>/subscriptions/<uuid:subscription_id>/status/",
        subscriptions.subscription_status,
        name="subscription_status",
    ),
    path(
        "customers/<uuid:customer_id>/subscriptions/<uuid:subscription_id>/name/",
        subscriptions.subscription_name,
        name="subscription_name",
    ),
    path(
        "customers/<uuid:customer_id>/subscriptions/<uuid:subscription_id>/renewal/",
        subscriptions.subscription_renewal,
        name="subscription_renewal",
    ),
    # The API
    path("api/", connect.connect, name="connect"),
    path("api/reference/", connect.reference, name="api_reference"),
    # Activity
    path("activity/", activity.activity, name="activity"),
    path("activity/export/", activity.activity_export, name="activity_export"),
    path("customers/<uuid:customer_id>/activity/", activity.customer_activity, name="customer_activity"),
    # Staff and oneself
    path("staff/", staff.staff, name="staff"),
    path("staff/new/", staff.staff_new, name="staff_new"),
    path("staff/security/", staff.staff_security, name="staff_security"),
    path("staff/<int:pk>/second-factor/reset/", staff.staff_factor_reset, name="staff_factor_reset"),
    path("staff/<int:pk>/", staff.staff_member, name="staff_member"),
    path("profile/", profile.profile, name="profile"),
    path("profile/security/", security.security, name="mfa_index"),  # the name by which allauth leads back to it
    path("profile/security/sessions/end/", security.sessions_end, name="sessions_end"),
    path("profile/security/sessions/<int:session_id>/end/", security.session_end, name="session_end"),
    path("profile/tokens/", tokens.tokens, name="tokens"),
    path("profile/tokens/<int:token_id>/revoke/", tokens.token_revoke, name="token_revoke"),
    path("GenerateToken", oauth.exchange, name="exchange_token"),
    path("generatetoken", oauth.exchange, name="exchange_token"),
]

# OAuth2: those of django-allauth's addresses that the portal offers, under the names that it looks them up by.
_issuer = [
    path(".well-known/openid-configuration", oauth.discovery, name="configuration"),
    path(".well-known/jwks.json", oidc.jwks, name="jwks"),
    path("identity/o/authorize", oauth.authorize, name="authorization"),
    path("identity/o/api/token", oauth.token, name="token"),
    path("identity/o/api/revoke", oauth.revoke, name="revoke"),
    path("identity/o/api/userinfo", oidc.user_info, name="userinfo"),
]
if settings.OAUTH_OFFERED:
    urlpatterns += [
        path("applications/", applications.applications, name="applications"),
        path("applications/new/", applications.application_new, name="application_new"),
        path("applications/<str:client_id>/", applications.application, name="application"),
        path("profile/tokens/<str:client_id>/withdraw/", oauth.withdraw, name="consent_withdraw"),
        path("", include(([path("", include((_issuer, "oidc")))], "idp"))),
        # The same in the shape in which scripts know it: the account's Microsoft ID first
        path("<str:tenant>/v2.0/.well-known/openid-configuration", oauth.discovery, name="configuration_of_tenant"),
        path("<str:tenant>/oauth2/v2.0/authorize", oauth.authorize, name="authorize_of_tenant"),
        path("<str:tenant>/oauth2/v2.0/token", oauth.token, name="token_of_tenant"),
        path("<str:tenant>/oauth2/token", oauth.token, name="old_token_of_tenant"),
    ]
